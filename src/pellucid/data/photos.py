"""A folder of photographs as a source of patches."""
# pyright: reportUnknownMemberType=false

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Generator, Tensor

from pellucid.color import decode, encode
from pellucid.errors import FileError

SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"}


class PatchSource(Protocol):
    """Where clean pictures come from."""

    def patch(self, size: int, generator: Generator) -> Tensor:
        """Picture (3, size, size) of display values in [0, 1]."""
        ...


def photographs(folder: Path, leave_out: Iterable[str] = ()) -> list[Path]:
    """The pictures in a folder by name; raises `FileError` if there are none."""
    if not folder.is_dir():
        raise FileError(f"{folder}: no such folder; expected a folder of photographs")
    left_out = set(leave_out)
    paths = sorted(
        p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.name not in left_out
    )
    if not paths:
        raise FileError(
            f"{folder}: no photographs; expected files ending in {', '.join(sorted(SUFFIXES))}"
        )
    return paths


class PhotoFolder:
    """Patches of photographs, held at half size, where JPEG blocks and sensor noise are gone."""

    def __init__(self, folder: Path, leave_out: tuple[str, ...] = (), reduce: int = 2) -> None:
        """`reduce` is the factor by which every photograph is made smaller, in linear light."""
        self.names = [path.name for path in photographs(Path(folder), leave_out)]
        self.pictures = [_reduced(Path(folder) / name, reduce) for name in self.names]
        self.areas = torch.tensor([float(p.shape[1] * p.shape[2]) for p in self.pictures])

    def patch(self, size: int, generator: Generator) -> Tensor:
        """The busier of two patches, so that skies and blurred backgrounds do not fill batches."""
        pair = [self._any_patch(size, generator) for _ in range(2)]
        return max(pair, key=lambda picture: picture.diff(dim=-1).abs().mean().item())

    def _any_patch(self, size: int, generator: Generator) -> Tensor:
        """A patch of a photograph drawn by its area; every third at half the resolution again."""
        picture = self.pictures[int(torch.multinomial(self.areas, 1, generator=generator).item())]
        height, width = picture.shape[1:]
        lucky = torch.rand((), generator=generator).item() < 1 / 3
        coarse = 2 if lucky and min(height, width) >= 2 * size else 1
        span = size * coarse
        if min(height, width) < span:
            raise FileError(f"photograph has {height}x{width} pixels; expected {span} or more")
        top, left = (
            int(torch.randint(side - span + 1, (), generator=generator).item())
            for side in (height, width)
        )
        crop = picture[:, top : top + span, left : left + span].astype(np.float32)
        return shrink(torch.from_numpy(crop) / 65535, coarse)


def shrink(picture: Tensor, factor: int) -> Tensor:
    """Picture (3, H, W) of display values, averaged over squares of its linear light."""
    if factor == 1:
        return picture
    return encode(F.avg_pool2d(decode(picture, "rec709"), factor), "rec709")


def _reduced(path: Path, factor: int) -> npt.NDArray[np.uint16]:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=np.float32) / 255
    small = shrink(torch.from_numpy(pixels).permute(2, 0, 1), factor)
    return (small * 65535).round().to(torch.int32).numpy().astype(np.uint16)
