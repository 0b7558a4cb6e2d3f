"""The adaptation study: arms that adapt, or not, for equal minutes, scored where truth is known.

    python benchmarks/study_adaptation.py benchmarks/study_adaptation.yaml --folder photos=PHOTOS \
        --folder kodak24=KODAK24 --folder polyu=POLYU/CroppedImages --folder levin=LEVIN [--list]

The queue is that of study.py: it can be stopped at any moment and shared by `--shard`; minutes are
processor time for each thread. An arm with a `start` goes on from that arm's weights of the same
seed. Photographs are packed once in two halves, $source and $target; degraded test pictures, and
raws with their truth, are made once and kept in `RUNS/made`.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import yaml
from degrade import record
from study import Run, left, plan, queue, shard, show, take_record, write_json
from study_tests import Test, halves, make_raws, scored

from pellucid import Restorer
from pellucid.cli import exit_with
from pellucid.data.photos import photographs
from pellucid.training.run import train


class Arm(NamedTuple):
    """How the runs of an arm differ from all others."""

    recipe: Path
    tests: list[str]
    options: list[str]
    start: str | None


class Study(NamedTuple):
    """A queue, and what it takes to carry it out."""

    said: dict[str, Any]
    arms: dict[str, Arm]
    runs: list[Run]

    @classmethod
    def read(cls, path: Path) -> "Study":
        """The study of a YAML file."""
        said = yaml.safe_load(path.read_text())
        arms = {name: arm_of(name, said, path.parent) for name in said["arms"]}
        options = {
            name: about | {"options": arms[name].options} for name, about in said["arms"].items()
        }
        return cls(said, arms, queue(options))


def arm_of(name: str, said: dict[str, Any], beside: Path) -> Arm:
    """An arm: its domain's options, its start's, its own, and those of adaptation."""
    about = said["arms"][name]
    domain, start = said["domains"][about["domain"]], about.get("start")
    options = [*domain["options"], *about.get("options", [])]
    if start is not None:
        # The weights hold the network.
        options = [o for o in options if not o.startswith("--model.network")]
        options += ["--model.network=null", f"--model.weights=$runs/{start}-seed$seed"]
        options += said["going_on"]
    if "adaptation" in about:
        adaptation = json.dumps(said["adaptation"] | about["adaptation"])
        options += [domain["real"], f"--model.adaptation={adaptation}"]
        options += ["--training=raw_adaptation"] if about["domain"] == "raw" else []
    return Arm(beside / domain["recipe"], domain["tests"], options, start)


# -- the queue -------------------------------------------------------------------------------------


def tests_of(said: dict[str, Any], names: list[str], folders: dict[str, str]) -> dict[str, Test]:
    """The tests that an arm is scored on."""
    texts = {name: filled(json.dumps(said["tests"][name]), folders) for name in names}
    return {name: record(Test, json.loads(text)) for name, text in texts.items()}


def filled(text: str, folders: dict[str, str]) -> str:
    """The text with folders in place of their names."""
    try:
        return Template(text).substitute(folders)
    except KeyError as error:
        raise SystemExit(f"expected --folder {error.args[0]}=DIR") from None


def share(runs: list[Run], starts: dict[str, str | None], first: int, every: int) -> list[Run]:
    """Every Nth start with all runs that begin there, for one process cannot wait for another."""
    begins = [(starts[run.arm] or run.arm, run.seed) for run in runs]
    mine = list(dict.fromkeys(begins))[first::every]
    return [run for run, begin in zip(runs, begins, strict=True) if begin in mine]


def carry_out(study: Study, run: Run, folders: dict[str, str], runs: Path) -> None:
    """Train and score one run, or what is left of it."""
    folder, arm = run.folder(runs), study.arms[run.arm]
    if arm.start and not (runs / f"{arm.start}-seed{run.seed}" / "weights.safetensors").exists():
        raise SystemExit(f"{run.arm} begins with {arm.start}, seed {run.seed}, which is not done")
    said = {**folders, "runs": str(runs), "seed": str(run.seed)}
    words = [filled(option, said) for option in arm.options]
    words += [f"--data.seed={run.seed}", f"--seed_everything={run.seed}"]
    words += [f"--trainer.default_root_dir={folder}"]
    if not (folder / "weights.safetensors").exists():
        steps = plan(run, arm.recipe, words, runs)
        train(arm.recipe, [*words, f"--trainer.max_steps={steps}"])
    restorer, made = Restorer.load(folder), runs / "made"
    scores = {
        name: scored(run.arm, restorer, name, test, made)
        for name, test in tests_of(study.said, arm.tests, folders).items()
    }
    write_json(folder / "scores.json", {"run": asdict(run), "tests": scores})


def folder_of(text: str) -> tuple[str, str]:
    """NAME=DIR."""
    name, equals, folder = text.partition("=")
    if not equals or not Path(folder).is_dir():
        raise ValueError(text)
    return name, str(Path(folder).resolve())


def main() -> None:
    """Work through the queue."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--folder", type=folder_of, action="append", default=[], metavar="NAME=DIR")
    parser.add_argument("--runs", type=Path, default=Path("runs/study_adaptation"))
    parser.add_argument(
        "--shard", type=shard, default=(0, 1), metavar="I/N", help="every Nth start"
    )
    parser.add_argument("--only", default="", help="arms whose names begin so")
    parser.add_argument("--record", type=Path, help="what earlier machines finished")
    parser.add_argument("--list", action="store_true")
    said = parser.parse_args()
    study, runs = Study.read(said.study), said.runs.resolve()
    take_record(said.record, runs)
    first, every = said.shard
    asked = [run for run in study.runs if run.arm.startswith(said.only)]
    queued = share(asked, {name: arm.start for name, arm in study.arms.items()}, first, every)
    if said.list:
        show(queued, runs)
        return
    folders = dict(said.folder)
    photos, kodak24 = (Path(filled(f"${name}", folders)) for name in ("photos", "kodak24"))
    folders |= halves(photos, runs / "made", study.said["photos"]["left_out"])
    folders |= make_raws(Path(folders["target"]), photographs(kodak24), runs / "made")
    for run in left(queued, runs):
        print(f"{run.arm}, seed {run.seed}", flush=True)
        carry_out(study, run, folders, runs)


if __name__ == "__main__":
    exit_with(main)
