"""Every degradation on two photographs: the sheet of the docs.

    python benchmarks/plot_degradations.py --photos PHOTOS [--out docs/images/degradations.jpg]
        [--real DIR ...] [--seed 0] [--most-bytes 250000]

Each row has two photographs, each clean and degraded twice. `--real` adds a row of the first
pictures of each folder, to look at beside them; the sheet in the docs has none.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image

from pellucid.cli import exit_with
from pellucid.data.blur import MotionBlur
from pellucid.data.camera_noise import CameraNoise
from pellucid.data.degradations import Degradation, GaussianNoise
from pellucid.data.kernels import CameraShake, LinearMotion
from pellucid.data.photos import photographs, reduced
from pellucid.data.rain import HEAVY_RAIN, Rain
from pellucid.io import read_picture
from pellucid.noise_laws import EldLaw

SCENES = {
    "aitzgorri_by_Aitzol_Berasategi.jpg": (0.36, 0.62),
    "friends_by_Aitzol_Berasategi.jpg": (0.3, 0.45),
}
"""Both CC BY 4.0, Aitzol Berasategi; where the tile's middle is, from the top left."""
ROWS: tuple[Degradation, ...] = (
    Rain(),
    HEAVY_RAIN,
    MotionBlur(CameraShake(extent=(7.0, 25.0))),
    MotionBlur(LinearMotion(length=(7.0, 25.0))),
    GaussianNoise(sigma=(15.0, 50.0), eight_bit=True),
    CameraNoise(),
    CameraNoise(EldLaw(), row=(0.0, 1.0)),
)
TILE = 190


def main() -> None:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/images/degradations.jpg"))
    parser.add_argument("--real", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most-bytes", type=int, default=250_000)
    args = parser.parse_args()
    generator = torch.Generator().manual_seed(args.seed)
    scenes = [scene(args.photos / name, *middle) for name, middle in SCENES.items()]
    rows = [row(degradation, scenes, generator) for degradation in ROWS]
    rows += [torch.cat([tile(read_picture(path)) for path in real(f)], -1) for f in args.real]
    save(torch.cat(rows, -2), args.out, args.most_bytes)


def scene(path: Path, down: float, right: float) -> torch.Tensor:
    """A part of a photograph at a quarter of its size, somewhat larger than a tile."""
    picture = torch.from_numpy(reduced(path, 4).astype("float32")) / 65535
    return tile(picture, down, right, TILE + 32)


def tile(picture: torch.Tensor, down: float = 0.5, right: float = 0.5, side: int = TILE):
    """The square of a picture (3, H, W) around a place."""
    top, left = (
        max(0, min(length - side, round(where * length) - side // 2))
        for where, length in zip((down, right), picture.shape[1:], strict=True)
    )
    return picture[:, top : top + side, left : left + side]


def row(degradation: Degradation, scenes: list[torch.Tensor], generator: torch.Generator):
    """Each scene clean and degraded twice."""
    pictures = [
        each for clean in scenes for each in (clean, *degraded(clean, degradation, generator))
    ]
    return torch.cat([tile(each) for each in pictures], -1)


def degraded(clean: torch.Tensor, degradation: Degradation, generator: torch.Generator):
    """The picture degraded twice."""
    return [degradation(clean, generator).clamp(0, 1) for _ in range(2)]


def real(folder: Path) -> list[Path]:
    """The first pictures of a folder that are large enough, as many as a row has tiles."""
    large = [path for path in photographs(folder) if min(Image.open(path).size) >= TILE]
    step = max(1, len(large) // 6)
    return (large[::step] * 6)[:6]


def save(sheet: torch.Tensor, path: Path, most: int) -> None:
    """Write the best JPEG that is not too large."""
    image = Image.fromarray((sheet * 255).round().byte().permute(1, 2, 0).numpy())
    for quality in range(92, 30, -3):
        image.save(path, quality=quality, optimize=True)
        if path.stat().st_size <= most:
            break
    print(
        f"{path}: {image.size[0]}x{image.size[1]}, quality {quality}, {path.stat().st_size} bytes"
    )


if __name__ == "__main__":
    exit_with(main)
