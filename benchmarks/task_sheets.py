"""Finished pictures, as they are and restored, side by side on one sheet.

    python benchmarks/task_sheets.py --model derain -o docs/images/task_derain.jpg RAIN/1.png ...

Every picture is restored whole, and then both are reduced to the sheet's height, or where they are
lower than it, enlarged by a whole number without smoothing, so that grain stays what it is. Of
PICTURE@TOP,LEFT the square of that height is shown which begins there.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image

from pellucid import Restorer, read_picture
from pellucid.cli import exit_with
from pellucid.io import replacing

GAP = 6
"""Pixels of white between pictures."""


def shown(picture: torch.Tensor, height: int) -> Image.Image:
    """A picture (3, H, W) at about the height."""
    pixels = (picture.clamp(0, 1).permute(1, 2, 0) * 255).round().byte().numpy()
    image = Image.fromarray(pixels)
    if image.height <= height:
        times = height // image.height
        return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    return image.resize((round(image.width * height / image.height), height))


def row(restorer: Restorer, said: str, height: int) -> Image.Image:
    """A picture beside what is restored of it."""
    path, _, corner = said.partition("@")
    top, left = map(int, corner.split(",")) if corner else (0, 0)
    side = height if corner else None
    picture = read_picture(path)
    both = [
        shown(each[:, top:][:, :side, left:][..., :side], height)
        for each in (picture, restorer.restore_picture(picture))
    ]
    return joined(both, across=True)


def joined(images: list[Image.Image], across: bool) -> Image.Image:
    """Images beside or below each other."""
    sides = [image.size if across else image.size[::-1] for image in images]
    long = sum(side[0] for side in sides) + GAP * (len(images) - 1)
    wide = max(side[1] for side in sides)
    sheet = Image.new("RGB", (long, wide) if across else (wide, long), "white")
    at = 0
    for image, side in zip(images, sides, strict=True):
        sheet.paste(image, (at, 0) if across else (0, at))
        at += side[0] + GAP
    return sheet


def main() -> None:
    """Restore and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", metavar="PICTURE[@TOP,LEFT]")
    parser.add_argument("--model", default="denoise", help="name, run folder or weights file")
    parser.add_argument("--height", type=int, default=256, help="of each picture, in pixels")
    parser.add_argument("--columns", type=int, default=1, help="pairs beside each other")
    parser.add_argument("-o", "--output", type=Path, required=True)
    said = parser.parse_args()
    restorer = Restorer.load(said.model)
    rows = [row(restorer, each, said.height) for each in said.pictures]
    lines = [
        joined(rows[at : at + said.columns], across=True)
        for at in range(0, len(rows), said.columns)
    ]
    with replacing(said.output) as file:
        joined(lines, across=False).save(file, "JPEG", quality=88)


if __name__ == "__main__":
    exit_with(main)
