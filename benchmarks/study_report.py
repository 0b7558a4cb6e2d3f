"""The tables, plot and pictures of docs/study_dual_domain.md from a study's run folders.

    python benchmarks/study_report.py benchmarks/study_dual_domain.yaml --runs runs/study \
        --docs docs/study_dual_domain.md [--record FILE] [--test KODAK24]

Rewrites what lies between the page's markers; what is said about it is written by hand. A table
whose arms have no scores stays as it is. `--record` takes scores from a file that the run folders
lack, and writes all of them there. `--test` makes the pictures again, from the exported weights.
"""

import argparse
import json
import re
from collections.abc import Callable, Collection
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import matplotlib
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from study import Run, Study, take_record, write_record
from torch import Tensor

from pellucid import Rendering, Restorer
from pellucid.benchmarks.synthetic import (
    Scene,
    isp_alone,
    law_noise,
    scene,
    truth,
    truth_in_colour,
)
from pellucid.cli import exit_with
from pellucid.data.photos import photographs
from pellucid.io import replacing

Cell = tuple[float, float]
"""Shot noise K and tone."""
Scores = dict[Cell, dict[int, float]]
"""PSNR by seed."""


class Compared(NamedTuple):
    """Raw only, sRGB only and dual, the score and the truth that they are judged by."""

    arms: tuple[str, str, str]
    field: str
    truth: Callable[[Scene, Rendering], Tensor]
    name: str
    crops: str


MOSAIC = Compared(
    ("raw", "srgb", "dual"), "psnr", truth, "clean mosaic, developed", "study_crops.jpg"
)
SCENE = Compared(
    ("raw_scene", "srgb_scene", "dual_scene"),
    "psnr_colour",
    truth_in_colour,
    "scene",
    "study_crops_scene.jpg",
)
COMPARED = {"main": MOSAIC, "scene": SCENE}
"""By the marker of the table."""


def scores_of(study: Study, runs: Path, arm: str, field: str = "psnr") -> Scores:
    """PSNR of every finished seed of an arm in the study's cells."""
    found: Scores = {(k, a): {} for k in study.noise_levels for a in study.tones}
    for run in study.runs:
        path = run.folder(runs) / "scores.json"
        if run.arm == arm and path.exists():
            for row in json.loads(path.read_text())["rows"]:
                cell = row["noise_level"], row["tone"]
                if row["model"] == arm and cell in found:
                    found[cell][run.seed] = row[field]
    return found


def main_scores(study: Study, runs: Path, compared: Compared = MOSAIC) -> list[Scores]:
    """PSNR of three arms that the study compares."""
    return [scores_of(study, runs, arm, compared.field) for arm in compared.arms]


def have_run(study: Study, runs: Path, compared: Compared) -> bool:
    """Whether all three arms have scores."""
    return all(values for arm in main_scores(study, runs, compared) for values in arm.values())


def all_gains(study: Study, runs: Path, compared: Compared = MOSAIC) -> dict[Cell, list[float]]:
    """Dual minus the single domain that is better on average, of the seeds that both have."""
    raw, srgb, dual = main_scores(study, runs, compared)
    gained: dict[Cell, list[float]] = {}
    for cell, ours in dual.items():
        best = max(raw[cell], srgb[cell], key=lambda seeds: fmean(seeds.values()))
        gained[cell] = [ours[seed] - best[seed] for seed in sorted(ours.keys() & best.keys())]
    return gained


def spread(values: Collection[float]) -> float:
    """Half the distance between the extremes."""
    return (max(values) - min(values)) / 2


def told(values: Collection[float]) -> str:
    """Mean and spread; of one seed there is no spread."""
    return f"{fmean(values):+.2f}" + (f" ± {spread(values):.2f}" if len(values) > 1 else "")


def main_table(study: Study, runs: Path, compared: Compared = MOSAIC) -> str:
    """Mean PSNR of the three arms, and mean and spread of what dual gains."""
    raw, srgb, dual = main_scores(study, runs, compared)
    gained = all_gains(study, runs, compared)
    lines = [
        "| K | tone | raw only | sRGB only | dual | dual - better single |",
        "|" + " --- |" * 6,
    ]
    for cell, values in gained.items():
        arms = " | ".join(f"{fmean(one[cell].values()):.2f}" for one in (raw, srgb, dual))
        lines.append(f"| {cell[0]:g} | {cell[1]:g} | {arms} | {told(values)} |")
    means = {
        tone: fmean(fmean(v) for c, v in gained.items() if c[1] == tone) for tone in study.tones
    }
    seeds = ", ".join(str(len(next(iter(arm.values())))) for arm in (raw, srgb, dual))
    lines += [
        "",
        f"Seeds of raw only, sRGB only, dual: {seeds}. Mean over K: "
        + ", ".join(f"{v:+.2f} dB at tone {t:g}" for t, v in means.items()),
    ]
    return "\n".join(lines)


def ablation_table(study: Study, runs: Path, base: str = "dual_short") -> str:
    """Each short arm minus `base` of the same seeds, mean over tones.

    Less than the seeds of `dual` or of `base` spread is a tie.
    """
    alike = [scores_of(study, runs, arm) for arm in ("dual", base)]
    tie = {
        k: max(spread(v.values()) for arm in alike for c, v in arm.items() if c[0] == k and v)
        for k in study.noise_levels
    }
    lines = ["| arm | " + " | ".join(f"K = {k:g}" for k in study.noise_levels) + " |"]
    lines.append("|" + " --- |" * (1 + len(study.noise_levels)))
    lines.append("| (spread of seeds) | " + " | ".join(f"{tie[k]:.2f}" for k in tie) + " |")
    for arm in dict.fromkeys(run.arm for run in study.runs):
        if arm in (*MOSAIC.arms, *SCENE.arms, base):
            continue
        field = "psnr_colour" if arm.startswith(("demosaic", "truth")) else "psnr"
        ours, theirs = (scores_of(study, runs, name, field) for name in (arm, base))
        if not all([*ours.values(), *theirs.values()]):
            continue
        columns: list[str] = []
        for k in study.noise_levels:
            cells = [cell for cell in ours if cell[0] == k]
            value = fmean(
                fmean(got - theirs[cell][seed] for seed, got in ours[cell].items())
                for cell in cells
            )
            columns.append(f"{value:+.2f}" + (" (tie)" if abs(value) < tie[k] else ""))
        lines.append(f"| {arm} | " + " | ".join(columns) + " |")
    return "\n".join(lines)


def plot(study: Study, runs: Path, path: Path) -> None:
    """What dual gains over the better single domain, with each seed as a dot."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    shown = [each for each in COMPARED.values() if have_run(study, runs, each)]
    figure, panels = plt.subplots(
        1, len(shown), figsize=(1 + 5 * len(shown), 3), squeeze=False, layout="constrained"
    )
    for axes, compared in zip(panels[0], shown, strict=True):
        gained = all_gains(study, runs, compared)
        for i, tone in enumerate(study.tones):
            where = np.arange(len(study.noise_levels)) + (i - (len(study.tones) - 1) / 2) * 0.2
            values = [gained[k, tone] for k in study.noise_levels]
            axes.bar(where, [fmean(v) for v in values], 0.18, label=f"tone {tone:g}")
            for x, seeds in zip(where, values, strict=True):
                axes.plot([x] * len(seeds), seeds, "k.", markersize=3)
        axes.set_xticks(range(len(study.noise_levels)), [f"K = {k:g}" for k in study.noise_levels])
        axes.axhline(0, color="black", linewidth=0.6)
        axes.set_title(f"truth: {compared.name}", fontsize=9)
        axes.set_ylabel("dual - better single [dB]")
    panels[0, 0].legend(fontsize=8)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def pictures(
    study: Study, runs: Path, test: Path, path: Path, compared: Compared, side: int = 128
) -> None:
    """Crops of noisy, raw only, sRGB only, dual and truth, one row for each noise level."""
    arms = [Run(arm, 0, 0, ()).folder(runs) for arm in compared.arms]
    # As the truth is rendered.
    restorers = [Restorer.load(folder, highlights="roll") for folder in arms]
    rows: list[Tensor] = []
    for k, number in zip(study.noise_levels, (6, 18, 4), strict=False):
        one = scene(photographs(test)[number], number, law_noise(k))
        rendering = Rendering(1.0, 0.5)
        shown = [isp_alone(one.raw, rendering)]
        shown += [restore(one.raw, one.raw.noise, rendering).srgb for restore in restorers]
        shown.append(compared.truth(one, rendering))
        top, left = ((length - side) // 2 for length in shown[0].shape[-2:])
        crop = [each[:, top : top + side, left : left + side].clamp(0, 1) for each in shown]
        rows.append(torch.cat(crop, -1))
    sheet = torch.cat(rows, -2).repeat_interleave(2, -1).repeat_interleave(2, -2)
    pixels: npt.NDArray[np.uint8] = (sheet.permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(pixels).save(path, quality=92)


def between(page: str, name: str, text: str) -> str:
    """The page with new text between the markers of that name; the docs' reports share this."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    found = re.search(f"{begin}.*?{end}", page, re.DOTALL)
    if found is None:
        raise SystemExit(f"the page has no {begin} ... {end}; expected both markers")
    return page.replace(found[0], f"{begin}\n\n{text}\n\n{end}")


def main() -> None:
    """Rewrite the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/study"))
    parser.add_argument("--docs", type=Path, required=True)
    parser.add_argument("--record", type=Path, help="all scores in one file, those of before too")
    parser.add_argument("--test", type=Path, help="photographs to make pictures of")
    said = parser.parse_args()
    study, page = Study.read(said.study), said.docs.read_text()
    take_record(said.record, said.runs)
    images = said.docs.parent / "images"
    ready = {name: arms for name, arms in COMPARED.items() if have_run(study, said.runs, arms)}
    for name, arms in ready.items():
        page = between(page, name, main_table(study, said.runs, arms))
    if ready:
        plot(study, said.runs, images / "study_gains.png")
    page = between(page, "ablations", ablation_table(study, said.runs))
    with replacing(said.docs) as file:
        file.write(page.encode())
    if said.record:
        write_record(said.record, study.runs, said.runs)
    if said.test is not None:
        for arms in ready.values():
            pictures(study, said.runs, said.test, images / arms.crops, arms)


if __name__ == "__main__":
    exit_with(main)
