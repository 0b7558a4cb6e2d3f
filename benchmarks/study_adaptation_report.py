"""The tables and pictures of docs/study_adaptation.md from the adaptation study's run folders.

    python benchmarks/study_adaptation_report.py benchmarks/study_adaptation.yaml \
        --runs runs/study_adaptation --docs docs/study_adaptation.md [--record FILE] [--pictures]

Rewrites what lies between the page's markers, one pair for each domain; what is said about it is
written by hand. A domain without finished runs is said to have none. `--record` takes scores from
a file that the run folders lack, and writes all of them there. `--pictures` makes the sheets again,
from the arms' exported weights.
"""

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import torch
from PIL import Image
from study import Run, take_record, write_record
from study_adaptation import Study
from study_report import between, spread
from torch import Tensor

from pellucid import Restorer, read_picture
from pellucid.cli import exit_with
from pellucid.io import replacing

SHEETS = {
    "camera": ("camera_0.02", ("kodim05", "kodim23"), ("camera_none", "camera_swapped")),
    "rain": ("heavy_rain", ("kodim07", "kodim21"), ("rain_none", "rain_swapped")),
    "blur": ("levin", ("kodim19", "kodim08"), ("blur_none", "blur_swapped")),
}
"""Of a domain: the test, the pictures, and the arms that stand beside each other."""


KINDS = ("input", "target")


class Said(NamedTuple):
    """What an arm's finished seeds got on one test, in dB."""

    seeds: list[int]
    psnr: list[float]
    input: list[float]


def scores_of(study: Study, runs: Path, arm: str, test: str) -> Said:
    """PSNR of every finished seed of an arm."""
    found = Said([], [], [])
    for run in study.runs:
        path = run.folder(runs) / "scores.json"
        if run.arm == arm and path.exists():
            rows = {row["model"]: row for row in json.loads(path.read_text())["tests"][test]}
            found.seeds.append(run.seed)
            found.psnr.append(rows[arm]["psnr"])
            found.input.append(rows["input"]["psnr"])
    return found


def arms_of(study: Study, domain: str) -> list[str]:
    """The arms of a domain that are scored on its tests, in their order."""
    return [arm for arm, about in study.said["arms"].items() if about["domain"] == domain]


def domain_table(study: Study, runs: Path, domain: str) -> str:
    """Mean and spread of the domain's arms on its tests, and what they gain over `none`."""
    tests = study.said["domains"][domain]["tests"]
    done = [arm for arm in arms_of(study, domain) if scores_of(study, runs, arm, tests[0]).psnr]
    if not done:
        return "Not run yet."
    lines = ["| arm | seeds | " + " | ".join(tests) + " |", "|" + " --- |" * (2 + len(tests))]
    first = [scores_of(study, runs, done[0], test) for test in tests]
    lines.append("| (input) | | " + " | ".join(f"{one.input[0]:.2f}" for one in first) + " |")
    for arm in done:
        columns = [told(study, runs, arm, test) for test in tests]
        seeds = len(scores_of(study, runs, arm, tests[0]).seeds)
        lines.append(f"| {arm} | {seeds} | " + " | ".join(columns) + " |")
    return "\n".join(lines)


def told(study: Study, runs: Path, arm: str, test: str) -> str:
    """Mean PSNR, and in brackets mean and spread of what it is over its family's `none`."""
    ours = scores_of(study, runs, arm, test)
    base = f"{arm.split('_')[0]}_none"
    theirs = scores_of(study, runs, base, test)
    mean = f"{fmean(ours.psnr):.2f}{give_or_take(ours.psnr)}"
    unadapted = dict(zip(theirs.seeds, theirs.psnr, strict=True))
    gained = [
        psnr - unadapted[seed]
        for seed, psnr in zip(ours.seeds, ours.psnr, strict=True)
        if seed in unadapted
    ]
    if arm == base or arm.endswith("_start") or not gained:
        return mean
    return f"{fmean(ours.psnr):.2f} (**{fmean(gained):+.2f}**{give_or_take(gained)})"


def give_or_take(values: list[float]) -> str:
    """The spread, which one seed has not."""
    return f" ± {spread(values):.2f}" if len(values) > 1 else ""


def sheet(runs: Path, domain: str, path: Path, side: int = 160) -> None:
    """Crops of input, unadapted, adapted and truth, one row for each picture."""
    test, names, arms = SHEETS[domain]
    restorers = [Restorer.load(Run(arm, 0, 0, ()).folder(runs)) for arm in arms]
    rows: list[Tensor] = []
    for name in names:
        bad, truth = (read_picture(runs / "made" / test / k / f"{name}.png") for k in KINDS)
        shown = [bad, *(restore.restore_picture(bad) for restore in restorers), truth]
        top, left = ((length - side) // 2 for length in bad.shape[-2:])
        rows.append(torch.cat([one[:, top : top + side, left : left + side] for one in shown], -1))
    pixels = torch.cat(rows, -2).clamp(0, 1).repeat_interleave(2, -1).repeat_interleave(2, -2)
    shades = (pixels.permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(shades).save(path, quality=90)


def main() -> None:
    """Rewrite the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/study_adaptation"))
    parser.add_argument("--docs", type=Path, required=True)
    parser.add_argument("--record", type=Path, help="all scores in one file, those of before too")
    parser.add_argument("--pictures", action="store_true", help="make the sheets again")
    said = parser.parse_args()
    study, page = Study.read(said.study), said.docs.read_text()
    take_record(said.record, said.runs)
    for domain in study.said["domains"]:
        page = between(page, domain, domain_table(study, said.runs, domain))
    with replacing(said.docs) as file:
        file.write(page.encode())
    if said.record:
        write_record(said.record, study.runs, said.runs)
    for domain, (_, _, arms) in SHEETS.items():
        folders = [Run(arm, 0, 0, ()).folder(said.runs) for arm in arms]
        if said.pictures and all((one / "weights.safetensors").exists() for one in folders):
            images = said.docs.parent / "images"
            sheet(said.runs, domain, images / f"study_adaptation_{domain}.jpg")


if __name__ == "__main__":
    exit_with(main)
