"""What a model loses on the synthetic benchmark when it is told a wrong noise level.

    python benchmarks/robustness.py --photos DIR [--limit N] [--model NAME] --json FILE

Rows: `true` is told the truth; `half` and `double` are told shot and read noise both off by a
factor 2; `blind` is told what `estimate_noise` finds in the noisy mosaic.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from pellucid.benchmarks.synthetic import Model, Row, evaluate, write_rows
from pellucid.calibration.blind import estimate_noise
from pellucid.cli import exit_with
from pellucid.cli.evaluate import HEADING, line_of
from pellucid.cli.numbers import numbers, whole_number
from pellucid.io.replacing import check_folder
from pellucid.isp import Rendering
from pellucid.networks.dual_domain import Compared
from pellucid.raw import Noise, RawImage
from pellucid.restore import Restorer

BARS = {"half": 1.0, "double": 1.0, "blind": 0.3}
"""Decibels that may be lost."""


def times(factor: float) -> Callable[[RawImage], Noise]:
    """The true noise with both variances off by a factor."""

    def told(raw: RawImage) -> Noise:
        assert raw.noise is not None  # the benchmark says it
        return Noise(*(factor * level for level in raw.noise))

    return told


def blind(raw: RawImage) -> Noise:
    """The noise that the picture alone tells."""
    return estimate_noise(raw.mosaic)


TOLD = {"true": times(1), "half": times(0.5), "double": times(2), "blind": blind}


MEASURES = ("psnr", "psnr_colour")
"""Towards the clean mosaic, developed, and towards the scene it was taken of."""


def told_models(restorer: Restorer) -> dict[str, Model]:
    """One restorer, told the noise in four ways."""

    def model_of(told: Callable[[RawImage], Noise]) -> Model:
        def model(raw: RawImage, rendering: Rendering) -> Compared:
            return restorer.compare(raw, told(raw), rendering)

        return model

    return {name: model_of(told) for name, told in TOLD.items()}


def losses(rows: list[Row], measure: str) -> dict[str, list[float]]:
    """Decibels lost in each cell, in the order of the rows."""
    by_model = {name: [getattr(row, measure) for row in rows if row.model == name] for name in TOLD}
    return {
        name: [true - psnr for true, psnr in zip(by_model["true"], by_model[name], strict=True)]
        for name in BARS
    }


def summary(rows: list[Row]) -> Iterator[str]:
    """The losses as a table."""
    cells = [row for row in rows if row.model == "true"]
    for measure in MEASURES:
        yield f"{measure:11}" + "".join(f" {c.noise_level:>8.2g}/{c.tone:<4.2g}" for c in cells)
        for name, lost in losses(rows, measure).items():
            verdict = "met" if max(lost) <= BARS[name] else "missed"
            values = "".join(f" {value:13.2f}" for value in lost)
            yield f"{name:11}{values}  at most {max(lost):.2f}: {verdict} ({BARS[name]:g})"


def measure(said: argparse.Namespace) -> None:
    """Measure, print and write."""
    check_folder(said.json)
    rows: list[Row] = []
    models = told_models(Restorer.load(said.model, highlights="roll"))
    print(HEADING)
    for row in evaluate(models, said.photos, said.noise_levels, said.tones, said.limit):
        rows.append(row)
        print(line_of(row), flush=True)
    print(*summary(rows), sep="\n")
    settings: dict[str, object] = {
        "photos": said.photos.name,
        "noise_levels": said.noise_levels,
        "tones": said.tones,
        "models": [said.model],
        "limit": said.limit,
        "db_lost": {measure: losses(rows, measure) for measure in MEASURES},
    }
    write_rows(said.json, rows, settings)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--limit", type=whole_number(1))
    parser.add_argument("--tones", type=numbers(0, 1), default=[0.5])
    parser.add_argument("--noise-levels", type=numbers(1e-6, 1), default=[0.0002, 0.002, 0.02])
    parser.add_argument("--model", default="default")
    parser.add_argument("--json", type=Path, required=True)
    measure(parser.parse_args())


if __name__ == "__main__":
    exit_with(main)
