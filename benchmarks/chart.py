"""Colour and noise on a raw photograph of a ColorChecker, without any truth.

    python benchmarks/chart.py colorchart.dng [--model default] [--noise SHOT,READ] [--json FILE]

Three questions: does `develop` agree with LibRaw's rendering of the same file (camera white
balance, no auto-brightness, adjust_maximum_thr = 0, Rec.709 curve; mean CIEDE2000 over the 24
patches); does `restore` keep the patches' means; how much of `develop`'s noise does it leave on the
grey patches (standard deviation after a quadratic fit of the window is removed, worst channel)?
"""

import argparse
import json
from pathlib import Path

import numpy as np
import rawpy
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.util import img_as_float

from pellucid import Restorer, develop, read_raw
from pellucid.cli.restore import describe, parse_noise
from pellucid.restore import settle_noise

COLUMNS, ROWS = (712, 820, 928, 1036, 1144, 1252), (624, 720, 820, 928)
"""Patch centres of the lower chart in `colorchart.dng`, greys in the last row."""
HALF = 16
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
    return (values - surface @ fit).std(0, ddof=6)


def libraw(path: Path) -> Picture:
    """LibRaw's rendering."""
    with rawpy.imread(str(path)) as raw:
        return img_as_float(
            raw.postprocess(
                use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0, output_bps=16
            )
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("raw", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--noise")
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    raw = read_raw(said.raw)
    known = settle_noise(raw, parse_noise(said.noise))
    developed, restored = (
        raw.trim(picture).clamp(0, 1).permute(1, 2, 0).double().numpy()
        for picture in (develop(raw), Restorer.load(said.model)(raw, known.noise).srgb)
    )
    # LibRaw's Rec.709 values are compared as display values, like ours.
    lab = [rgb2lab(means(picture)[None]) for picture in (developed, libraw(said.raw))]
    delta = deltaE_ciede2000(*lab)
    left = [
        noise(after) / noise(before)
        for after, before in zip(windows(restored)[18:], windows(developed)[18:], strict=True)
    ]
    result = {
        "noise": describe(known.noise),
        "noise_origin": known.origin,
        "ciede2000_mean": float(delta.mean()),
        "ciede2000_max": float(delta.max()),
        "largest_shift_of_a_patch_mean": float(np.abs(means(restored) - means(developed)).max()),
        "noise_left_on_greys": [round(float(ratio.max()), 4) for ratio in left],
    }
    print(json.dumps(result, indent=1))
    if said.json:
        said.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
