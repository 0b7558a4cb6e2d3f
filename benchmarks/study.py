"""A study: arms of one recipe, trained for equal minutes and scored on the synthetic benchmark.

    python benchmarks/study.py benchmarks/study_dual_domain.yaml --photos PHOTOS --test KODAK24

A queue that can be stopped at any moment: what is finished is not done again, a training goes on
from its last checkpoint, and `--record FILE` takes what an earlier machine had finished from the
report's `--record FILE`. How many steps fit into an arm's minutes is counted once and kept in
`ARM.plan.json`; arms whose steps cost the same take one `pace`. Minutes are processor time for each
thread (OMP_NUM_THREADS), but neighbours slow that too, by up to a third: `--count` counts all arms
twice and takes the quicker time; call it first, with nothing else on the machine. `--list` shows
the queue; two processes with `--shard 1/2` and `--shard 2/2` share counting and queue.
"""

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from torch import Tensor

from pellucid import RawImage, Rendering, Restorer
from pellucid.benchmarks.synthetic import evaluate, isp_alone
from pellucid.cli import exit_with
from pellucid.io import replacing
from pellucid.training.run import train

PLANS = "plans"
"""In a record, beside the scores of runs."""


@dataclass(frozen=True)
class Run:
    """One arm with one seed."""

    arm: str
    seed: int
    minutes: float
    options: tuple[str, ...]
    pace: str = ""
    """The arm by whose time for a step minutes are counted, if not its own."""

    def folder(self, runs: Path) -> Path:
        """Where it lies."""
        return runs / f"{self.arm}-seed{self.seed}"


@dataclass(frozen=True)
class Study:
    """A queue of runs and what they are scored on."""

    recipe: Path
    noise_levels: list[float]
    tones: list[float]
    runs: list[Run]

    @classmethod
    def read(cls, path: Path) -> "Study":
        """The study of a YAML file; arms of many seeds come first, of those the first seeds."""
        said = yaml.safe_load(path.read_text())
        recipe, runs = path.parent / said["recipe"], queue(said["arms"])
        return cls(recipe, said["noise_levels"], said["tones"], runs)


def queue(arms: dict[str, Any]) -> list[Run]:
    """The runs of a study's arms: those of many seeds first, of them the first seeds."""
    turns: list[tuple[int, int, Run]] = []
    for arm, about in arms.items():
        told = about["minutes"], tuple(about["options"]), about.get("pace", "")
        seeds = about["seeds"]
        turns += [(-len(seeds), turn, Run(arm, seed, *told)) for turn, seed in enumerate(seeds)]
    return [run for *_, run in sorted(turns, key=lambda each: each[:2])]


def write_json(path: Path, value: object) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(json.dumps(value, indent=1).encode())


def seconds_per_step(recipe: Path, words: list[str], steps: int = 100) -> float:
    """The mean time of a short training of the arm, for each thread, as its run folder has it."""
    with TemporaryDirectory() as folder:
        short = [f"--trainer.max_steps={steps}", f"--trainer.default_root_dir={folder}"]
        train(recipe, [*words, *short, "--data.validation_samples=1"])
        sitting = json.loads((Path(folder) / "runs.jsonl").read_text().splitlines()[-1])
    return sitting["cpu_seconds"] / sitting["threads"] / steps


def plan(run: Run, recipe: Path, words: list[str], runs: Path) -> int:
    """Steps that fit into a run's minutes, counted here where nobody has counted them."""
    path = runs / f"{run.pace or run.arm}.plan.json"
    if not path.exists():
        write_json(path, {"seconds_per_step": seconds_per_step(recipe, words)})
    return int(run.minutes * 60 / json.loads(path.read_text())["seconds_per_step"])


def count(study: Study, photos: Path, runs: Path) -> None:
    """Count the steps of all arms that have a pace of their own, there and back again."""
    own = {run.arm: run for run in study.runs if not run.pace}
    left = [run for arm, run in own.items() if not (runs / f"{arm}.plan.json").exists()]
    seconds: dict[str, float] = {}
    for run in [*left, *reversed(left)]:
        step = seconds_per_step(study.recipe, words_of(run, photos))
        seconds[run.arm] = min(step, seconds.get(run.arm, step))
        print(f"{run.arm:20} {step:.3f} s", flush=True)
    for arm, step in seconds.items():
        write_json(runs / f"{arm}.plan.json", {"seconds_per_step": step})


def words_of(run: Run, photos: Path) -> list[str]:
    """What a training of the run is told beside the recipe."""
    words = [f"--data.photos={photos}", f"--data.seed={run.seed}", *run.options]
    return [*words, f"--seed_everything={run.seed}"]


def carry_out(
    study: Study, run: Run, photos: Path, test: Path, limit: int | None, runs: Path
) -> None:
    """Train and score one run, or what is left of it."""
    folder = run.folder(runs)
    words = [*words_of(run, photos), f"--trainer.default_root_dir={folder}"]
    if not (folder / "weights.safetensors").exists():
        steps = plan(run, study.recipe, words, runs)
        train(study.recipe, [*words, f"--trainer.max_steps={steps}"])
    restorer = Restorer.load(folder, highlights="roll")  # as the truth is rendered

    def model(raw: RawImage, rendering: Rendering) -> Tensor:
        return restorer(raw, raw.noise, rendering).srgb

    models = {"input": isp_alone, run.arm: model}
    rows = evaluate(models, test, study.noise_levels, study.tones, limit)
    write_json(folder / "scores.json", {"run": asdict(run), "rows": [asdict(row) for row in rows]})


def left(queued: Iterable[Run], runs: Path) -> list[Run]:
    """Runs without scores."""
    return [run for run in queued if not (run.folder(runs) / "scores.json").exists()]


def finished(queued: Iterable[Run], runs: Path) -> dict[str, Any]:
    """The scores of the runs that have some, by the names of their folders."""
    paths = [run.folder(runs) / "scores.json" for run in queued]
    return {path.parent.name: json.loads(path.read_text()) for path in paths if path.exists()}


def write_record(record: Path, queued: Iterable[Run], runs: Path) -> None:
    """All scores in one file, and by what time for a step minutes were counted."""
    queued = list(queued)
    plans = {run.arm: runs / f"{run.arm}.plan.json" for run in queued}
    counted = {arm: json.loads(path.read_text()) for arm, path in plans.items() if path.exists()}
    write_json(record, {PLANS: counted, **finished(queued, runs)})


def take_record(record: Path | None, runs: Path) -> None:
    """Put what a record holds where it is looked for, unless there is something already."""
    said = json.loads(record.read_text()) if record and record.exists() else {}
    held = {f"{arm}.plan.json": value for arm, value in said.get(PLANS, {}).items()}
    held |= {f"{name}/scores.json": said[name] for name in said if name != PLANS}
    for name, value in held.items():
        if not (runs / name).exists():
            write_json(runs / name, value)


def show(queued: Iterable[Run], runs: Path) -> None:
    """Print the queue."""
    waiting = left(queued, runs)
    for run in queued:
        state = "waits" if run in waiting else "done"
        print(f"{run.arm:20} seed {run.seed}  {run.minutes:g} min  {state}")


def shard(text: str) -> tuple[int, int]:
    """I/N as the number of the first run and the step to the next."""
    which, of = (int(number) for number in text.split("/"))
    if not 1 <= which <= of:
        raise ValueError(text)
    return which - 1, of


def main() -> None:
    """Work through the queue."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--photos", type=Path, help="folder of photographs to train on")
    parser.add_argument("--test", type=Path, help="folder of photographs to score on")
    parser.add_argument("--limit", type=int, help="score only the first photographs")
    parser.add_argument("--runs", type=Path, default=Path("runs/study"))
    parser.add_argument("--record", type=Path, help="what earlier machines finished")
    parser.add_argument("--arms", nargs="+", metavar="ARM", help="only these, in this order")
    parser.add_argument("--shard", type=shard, default=(0, 1), metavar="I/N", help="every Nth run")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--count", action="store_true", help="count steps, and train nothing")
    said = parser.parse_args()
    study = Study.read(said.study)
    if said.arms:
        if strangers := set(said.arms) - {run.arm for run in study.runs}:
            parser.error(f"got --arms {' '.join(sorted(strangers))}; {said.study} has no such arm")
        study = replace(study, runs=[r for arm in said.arms for r in study.runs if r.arm == arm])
    take_record(said.record, said.runs)
    first, every = said.shard
    study = replace(study, runs=study.runs[first::every])
    if said.list:
        show(study.runs, said.runs)
        return
    if said.photos is None or said.test is None:
        parser.error("expected --photos and --test")
    if said.count:
        count(study, said.photos, said.runs)
        return
    for run in left(study.runs, said.runs):
        print(f"{run.arm}, seed {run.seed}", flush=True)
        carry_out(study, run, said.photos, said.test, said.limit, said.runs)


if __name__ == "__main__":
    exit_with(main)
