"""What lenses whose colours neither meet nor are equally sharp cost in PSNR to the scene.

    python benchmarks/lenses.py --photos DIR [--limit N] [--models NAME ...] --json FILE

The pictures, cameras and noise are those of `pellucid evaluate synthetic`. Before the sensor
samples them red and blue are moved, in nearly opposite directions, and every colour is blurred. The
truth is the scene as the lens drew it. `malvar2004` and `ahd` develop the clean mosaic: what
demosaicking alone loses.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from torch import Tensor

from pellucid.benchmarks.summary import machine
from pellucid.benchmarks.synthetic import (
    BORDER,
    REAL_LEVELS,
    Scene,
    law_noise,
    scene_of,
    seen_by_camera,
    truth_in_colour,
)
from pellucid.cli import exit_with
from pellucid.cli.numbers import numbers, whole_number
from pellucid.data.lens import through_lens
from pellucid.data.photos import photographs
from pellucid.io.replacing import check_folder, replacing
from pellucid.isp import ISPConfig, Rendering, render
from pellucid.metrics.fidelity import cropped, psnr
from pellucid.raw import Noise
from pellucid.restore import Restorer

DEMOSAICKERS = ("malvar2004", "ahd")
RED, BLUE = (0.6, 0.8), (-0.8, -0.6)
"""Directions (down, right) in which they are moved."""


@dataclass(frozen=True)
class Drawn:
    """One lens."""

    shift: float
    """Pixels that red and blue lie away from green."""
    blur: float
    """Standard deviation of the blur of red and blue in pixels; green has half of it."""

    def __call__(self, light: Tensor) -> Tensor:
        """Linear light (3, H, W) through it."""
        if not self.shift and not self.blur:
            return light
        down, right = ((self.shift * r, 0, self.shift * b) for r, b in zip(RED, BLUE, strict=True))
        return through_lens(light, down, right, (self.blur, self.blur / 2, self.blur))


LENSES = (
    *(Drawn(shift, 0) for shift in (0, 0.25, 0.5, 1, 1.5)),
    Drawn(0, 0.7),
    Drawn(0.5, 0.7),
)


@dataclass(frozen=True)
class Row:
    """Mean PSNR in dB to the scene, of one model, lens and noise level."""

    model: str
    shot: float
    read: float
    shift: float
    blur: float
    psnr_colour: float
    n: int


def judged(
    paths: list[Path], lens: Drawn, noise: Noise, restorers: dict[str, Restorer], tone: float
) -> Iterator[Row]:
    """A row of every model."""
    found: dict[str, list[float]] = {name: [] for name in (*restorers, *DEMOSAICKERS)}
    rendering = Rendering(1.0, tone)
    for number, path in enumerate(paths):
        colour, camera = seen_by_camera(path, number)
        one = scene_of(lens(colour), camera, number, noise)
        truth = cropped(truth_in_colour(one, rendering), BORDER)
        for name in found:
            picture = made(name, one, rendering, restorers)
            found[name].append(psnr(cropped(picture.clamp(0, 1), BORDER), truth))
    shot, read = (float(f"{level:.6g}") for level in noise)
    for name, values in found.items():
        yield Row(name, shot, read, lens.shift, lens.blur, fmean(values), len(values))


def made(name: str, one: Scene, rendering: Rendering, restorers: dict[str, Restorer]) -> Tensor:
    """A model's picture (3, H, W)."""
    if name in restorers:
        return restorers[name](one.raw, rendering=rendering).srgb
    config = ISPConfig(demosaic="ahd" if name == "ahd" else "malvar2004")
    return render(one.clean, one.raw.camera, rendering, config)


def measure(said: argparse.Namespace) -> None:
    """Measure, print and write."""
    check_folder(said.json)
    paths = photographs(said.photos)[: said.limit]
    restorers = {name: Restorer.load(name, highlights="roll") for name in said.models}
    names = [*restorers, *DEMOSAICKERS]
    real = {f"{float(noise.shot):g}": noise for noise in REAL_LEVELS}
    rows: list[Row] = []
    for level in said.noise_levels:
        noise = real.get(f"{level:g}") or law_noise(level)
        print(
            f"shot {level:g}\nshift  blur " + "".join(f" {Path(name).name:>11}" for name in names)
        )
        for lens in LENSES:
            new = list(judged(paths, lens, noise, restorers, said.tone))
            rows += new
            values = "".join(f" {row.psnr_colour:11.2f}" for row in new)
            print(f"{lens.shift:5g} {lens.blur:5g} {values}", flush=True)
    facts: dict[str, object] = {
        "photos": said.photos.name,
        "limit": said.limit,
        "tone": said.tone,
        **machine(),
    }
    report = {"settings": facts, "rows": [asdict(row) for row in rows]}
    with replacing(said.json) as file:
        file.write(json.dumps(report, indent=1).encode())


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--limit", type=whole_number(1))
    parser.add_argument("--tone", type=float, default=0.5)
    parser.add_argument("--noise-levels", type=numbers(1e-6, 1), default=[1e-5, 2e-4, 2e-3, 2e-2])
    parser.add_argument("--models", nargs="+", default=["default"])
    parser.add_argument("--json", type=Path, required=True)
    return parser


def main() -> None:
    """Read the command line."""
    measure(parser().parse_args())


if __name__ == "__main__":
    exit_with(main)
