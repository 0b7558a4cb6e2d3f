"""How far apart the lens of a real raw drew its colours: lateral chromatic aberration, by tiles.

    python benchmarks/lens_shifts.py FILE.dng [FILE ...] --json FILE

In tiles of 96x96 pixels the red and the blue plane of the mosaic, smoothed, are laid upon the mean
of the two green ones by least squares, with a gain and an offset; their places in the Bayer cell
are taken off. Tiles count that do not clip, whose planes are alike but for that, and that tell the
shift well.
"""

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from pellucid import read_raw
from pellucid.bayer import pack
from pellucid.cli import exit_with
from pellucid.data.lens import through_lens
from pellucid.errors import FileError
from pellucid.io.replacing import check_folder, replacing

TILE, BORDER = 48, 8
"""Of a packed plane, in its pixels; the border takes part in smoothing alone."""
SMOOTH = 1.2
"""Standard deviation, in pixels of a plane: what the planes' samples are too sparse for goes."""
ROUNDS = 6
ALIKE, SURE = 0.97, 0.08
"""Least share of a plane's variance that green explains, and most uncertainty in pixels."""
CLIPS = 0.95


class Found(NamedTuple):
    """Where a plane lies beside another, in pixels of a plane."""

    down: float
    right: float
    explained: float
    deviation: float


@dataclass(frozen=True)
class Row:
    """The shifts of one colour against green over a file, in pixels of the mosaic."""

    file: str
    colour: str
    tiles: int
    median: float
    most_of: float
    """90 % of the tiles are below."""
    corner: float
    """Outwards at a corner, by the magnification that fits best."""


def laid(plane: Tensor, green: Tensor) -> Found:
    """Shift of a plane (h, w) against another, by Gauss-Newton with gain and offset."""
    down = right = 0.0
    inside = (slice(BORDER, -BORDER),) * 2
    wanted = plane[inside].flatten()
    for _ in range(ROUNDS):
        moved = through_lens(green[None], (down,), (right,), (0.0,))[0]
        slopes = torch.gradient(moved)
        columns = [moved, torch.ones_like(moved), *slopes]
        system = torch.stack([column[inside].flatten() for column in columns], 1)
        solved = torch.linalg.lstsq(system, wanted).solution
        gain = solved[0].item() or math.inf
        step = (solved[2:] / gain).clamp(-1, 1)
        down, right = down - step[0].item(), right - step[1].item()
    error = (wanted - system @ solved).var().item()
    spread = torch.linalg.pinv(system.T @ system).diagonal()[2:].clamp(min=0).sqrt().amax().item()
    deviation = spread * error**0.5 / abs(gain)
    return Found(down, right, 1 - error / max(wanted.var().item(), 1e-12), deviation)


def tiles(mosaic: Tensor) -> Iterator[tuple[float, float, Found, Found]]:
    """Middle (down, right) from the picture's middle, red's and blue's place, in mosaic pixels."""
    height, width = (side // 2 * 2 for side in mosaic.shape[-2:])
    planes = pack(mosaic[None, :, :height, :width].double())[0]
    red, green, blue = planes[0], (planes[1] + planes[2]) / 2, planes[3]
    around = TILE + 2 * BORDER
    for top in range(0, red.shape[0] - around + 1, TILE):
        for left in range(0, red.shape[1] - around + 1, TILE):
            part = (slice(top, top + around), slice(left, left + around))
            if planes[:, *part].amax() > CLIPS:
                continue
            colours = torch.stack([plane[part] for plane in (red, green, blue)])
            soft = through_lens(colours, (0.0,) * 3, (0.0,) * 3, (SMOOTH,) * 3)
            found = [laid(soft[which], soft[1]) for which in (0, 2)]
            if any(each.explained < ALIKE or 2 * each.deviation > SURE for each in found):
                continue
            # A red sample lies half a pixel above and left of green's middle, a blue one below.
            off = (-0.5, 0.5)
            placed = [
                Found(2 * each.down + more, 2 * each.right + more, *each[2:])
                for each, more in zip(found, off, strict=True)
            ]
            down, right = 2 * top + around - height / 2, 2 * left + around - width / 2
            yield down, right, placed[0], placed[1]


def rows_of(path: Path) -> Iterator[Row]:
    """A row for red and one for blue."""
    mosaic = read_raw(path).mosaic
    if mosaic.dim() != 3 or mosaic.shape[0] != 1:
        raise FileError.of(path, "is no mosaic; expected a Bayer raw")
    found = list(tiles(mosaic))
    if not found:
        raise FileError.of(path, "has no tile that tells a shift; expected sharp, grey detail")
    corner = math.hypot(*mosaic.shape[-2:]) / 2
    places = torch.tensor([[down, right] for down, right, _, _ in found])
    for colour, which in (("red", 2), ("blue", 3)):
        shifts = torch.tensor([[tile[which].down, tile[which].right] for tile in found])
        far = shifts.norm(dim=1)
        outwards = ((places * shifts).sum() / places.square().sum()).item() * corner
        median, most = (far.quantile(share).item() for share in (0.5, 0.9))
        yield Row(path.name, colour, len(found), median, most, outwards)


def measure(said: argparse.Namespace) -> None:
    """Measure, print and write."""
    check_folder(said.json)
    rows = [row for path in said.files for row in rows_of(path)]
    for row in rows:
        print(
            f"{row.file}: {row.colour} {row.median:.2f} px from green in the median of "
            f"{row.tiles} tiles, 90 % below {row.most_of:.2f}; "
            f"outwards at a corner {row.corner:+.2f}"
        )
    with replacing(said.json) as file:
        file.write(json.dumps([asdict(row) for row in rows], indent=1).encode())


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--json", type=Path, required=True)
    measure(parser.parse_args())


if __name__ == "__main__":
    exit_with(main)
