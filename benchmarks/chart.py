"""Colour, noise and edges on a raw photograph of a ColorChecker, without any truth.

    python benchmarks/chart.py colorchart.dng [--model default] [--noise SHOT,READ] [--json FILE]

Four questions: does `develop` agree with LibRaw's rendering of the same file (camera white
balance, no auto-brightness, adjust_maximum_thr = 0, Rec.709 curve; mean CIEDE2000 over the 24
patches); does `restore` keep the patches' means; how much of `develop`'s noise does it leave on the
grey patches (standard deviation after a quadratic fit of the window is removed, worst channel);
are the patches' borders as steep as in the noisy picture's average along them (`edges.py`)?
"""

import argparse
import json
from pathlib import Path

import numpy as np
import rawpy
import torch
from edges import MIX, find_borders, judge_borders
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.util import img_as_float

from pellucid import Noise, RawImage, Restorer, develop, read_raw
from pellucid.batch.job import describe
from pellucid.calibration.known_noise import parse_noise, settle_noise
from pellucid.cli import exit_with
from pellucid.color import decode
from pellucid.isp import ISPConfig

COLUMNS, ROWS = (712, 820, 928, 1036, 1144, 1252), (624, 720, 820, 928)
"""Patch centres of the lower chart in `colorchart.dng`, greys in the last row."""
HALF = 16
LENGTH = 36
"""Half of a border's length that is used, in pixels: what no corner blurs."""
INSIDE, OUTSIDE = 14, 64
"""Distances from a patch's centre between which its border is looked for."""
Picture = NDArray[np.float64]


def windows(picture: Picture) -> list[Picture]:
    """The 24 windows of 33x33 pixels, row by row."""
    return [
        picture[y - HALF : y + HALF + 1, x - HALF : x + HALF + 1] for y in ROWS for x in COLUMNS
    ]


def means(picture: Picture) -> Picture:
    """Mean display values (24, 3)."""
    return np.array([window.mean((0, 1)) for window in windows(picture)])


def noise(window: Picture) -> Picture:
    """Standard deviation (3,) of what a quadratic surface leaves of a window."""
    y, x = np.mgrid[-1:1:33j, -1:1:33j].reshape(2, -1)
    surface = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=1)
    values = window.reshape(-1, 3)
    fit, *_ = np.linalg.lstsq(surface, values, rcond=None)
    return np.sqrt(((values - surface @ fit) ** 2).sum(0) / (len(values) - 6))


def libraw(path: Path) -> Picture:
    """LibRaw's rendering."""
    with rawpy.imread(str(path)) as raw:
        return img_as_float(
            raw.postprocess(
                use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0, output_bps=16
            )
        )


# -- edges ----------------------------------------------------------------------------------------


def strips(picture: Picture) -> list[Picture]:
    """Four strips (along, across, 3) of each patch: frame first, its border across the middle."""
    height, width = picture.shape[:2]
    swapped = picture.transpose(1, 0, 2)
    turned = [
        (strip, along, across)
        for y in ROWS
        for x in COLUMNS
        for strip, along, across in (
            (picture, y, x),
            (picture[:, ::-1], y, width - 1 - x),
            (swapped, x, y),
            (swapped[:, ::-1], x, height - 1 - y),
        )
    ]
    return [p[a - LENGTH : a + LENGTH + 1, x - OUTSIDE : x - INSIDE] for p, a, x in turned]


def linear_pictures(raw: RawImage, restored: Picture) -> tuple[Picture, Picture]:
    """What was photographed, developed up to the curve with nothing cut, and a restored picture."""
    config = ISPConfig(transfer="linear", gamut="keep")
    noisy = raw.trim(develop(raw, config=config)).permute(1, 2, 0).double().numpy()
    return noisy, decode(torch.from_numpy(restored), "rec709").numpy()


def measure(path: Path, model: str = "default", told: Noise | None = None) -> dict[str, object]:
    """All figures of one photograph of the chart."""
    raw = read_raw(path)
    known = settle_noise(raw, told)
    developed, restored = (
        raw.trim(picture).clamp(0, 1).permute(1, 2, 0).double().numpy()
        for picture in (develop(raw), Restorer.load(model)(raw, known.noise).srgb)
    )
    # LibRaw's Rec.709 values are compared as display values, like ours.
    lab = [rgb2lab(means(picture)[None]) for picture in (developed, libraw(path))]
    delta = deltaE_ciede2000(*lab)
    left = [
        noise(after) / noise(before)
        for after, before in zip(windows(restored)[18:], windows(developed)[18:], strict=True)
    ]
    borders = find_borders(*map(strips, linear_pictures(raw, restored)))
    return {
        "noise": describe(known.noise),
        "noise_origin": known.origin,
        "ciede2000_mean": float(delta.mean()),
        "ciede2000_max": float(delta.max()),
        "largest_shift_of_a_patch_mean": float(np.abs(means(restored) - means(developed)).max()),
        "noise_left_on_greys": [round(float(ratio.max()), 4) for ratio in left],
        "edges": {name: judge_borders(borders, mix) for name, mix in MIX.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("raw", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--noise")
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    text = json.dumps(measure(said.raw, said.model, parse_noise(said.noise)), indent=1)
    print(text)
    if said.json:
        said.json.write_text(text)


if __name__ == "__main__":
    exit_with(main)
