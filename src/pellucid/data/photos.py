"""Photographs as a source of patches: a folder of them, or a packed store."""
# pyright: reportUnknownMemberType=false

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Generator, Tensor

from pellucid.color import decode, encode
from pellucid.data.left_out import refuse_misspelt
from pellucid.data.licences import by_licence, stated_licences
from pellucid.data.manifest import is_store
from pellucid.data.sources import refuse_smaller
from pellucid.data.store import Store
from pellucid.errors import FileError
from pellucid.io import read_picture

SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"}
_DEEP = ("I", "F")  # pillow's modes beyond 8 bits, whose values `convert` cuts at 255


def photographs(folder: Path, leave_out: Iterable[str] = ()) -> list[Path]:
    """The pictures in a folder by name; raises `FileError` if there are none.

    Likewise where a name to be left out is nearly that of a picture.
    """
    if not folder.is_dir():
        raise FileError(f"{folder}: no such folder; expected a folder of photographs")
    left_out = set(leave_out)
    files = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES]
    refuse_misspelt(folder, left_out, [path.name for path in files])
    paths = sorted(path for path in files if path.is_file() and path.name not in left_out)
    if not paths:
        raise FileError(
            f"{folder}: no photographs; expected files ending in {', '.join(sorted(SUFFIXES))}"
        )
    return paths


class Photographs:
    """Patches of photographs that are in memory, or mapped into it."""

    def __init__(self, names: list[str], pictures: Sequence[npt.NDArray[np.uint16]]) -> None:
        """`pictures` (3, H, W) hold display values, 65535 for 1."""
        self.names, self.pictures = names, pictures
        self.areas = torch.tensor([float(p.shape[1] * p.shape[2]) for p in pictures])

    def check(self, size: int) -> None:
        """Raise `FileError` where a photograph is too small for patches of that side."""
        for name, picture in zip(self.names, self.pictures, strict=True):
            refuse_smaller(name, picture.shape, size)

    def patch(self, size: int, generator: Generator) -> Tensor:
        """The busier of two patches, so that skies and blurred backgrounds do not fill batches."""
        pair = [self._any_patch(size, generator) for _ in range(2)]
        return max(pair, key=lambda picture: picture.diff(dim=-1).abs().mean().item())

    def _any_patch(self, size: int, generator: Generator) -> Tensor:
        """A patch of a photograph drawn by its area; every third at half the resolution again."""
        number = int(torch.multinomial(self.areas, 1, generator=generator).item())
        picture = self.pictures[number]
        refuse_smaller(self.names[number], picture.shape, size)
        height, width = picture.shape[1:]
        lucky = torch.rand((), generator=generator).item() < 1 / 3
        coarse = 2 if lucky and min(height, width) >= 2 * size else 1
        span = size * coarse
        top, left = (
            int(torch.randint(side - span + 1, (), generator=generator).item())
            for side in (height, width)
        )
        crop = picture[:, top : top + span, left : left + span]
        if coarse == 1:
            return torch.from_numpy(crop.astype(np.float32)) / 65535
        light = torch.from_numpy(_light_of_values()[crop])
        return encode(F.avg_pool2d(light, coarse), "rec709")


class PhotoFolder(Photographs):
    """Patches of photographs, held at half size, where JPEG blocks and sensor noise are gone."""

    def __init__(self, folder: Path, leave_out: tuple[str, ...] = (), reduce: int = 2) -> None:
        """`reduce` is the factor by which every photograph is made smaller, in linear light."""
        paths = photographs(Path(folder), leave_out)
        super().__init__([path.name for path in paths], [reduced(path, reduce) for path in paths])
        self.folder = Path(folder)

    def licences(self) -> dict[str, list[str]]:
        """Each licence that the folder's `LICENSES.json` states, and the photographs under it."""
        stated = stated_licences(self.folder)
        return by_licence((name, stated(name)) for name in self.names)


class PhotoStore(Photographs):
    """The patches that `PhotoFolder` has for the same generator, out of a packed store."""

    def __init__(self, store: Path, leave_out: tuple[str, ...] = ()) -> None:
        """`store` is what `pellucid pack` wrote; raises `FileError` where nothing is left of it."""
        self.store = Store.open(store, "photos").without(leave_out)
        super().__init__(self.store.names, self.store)

    def licences(self) -> dict[str, list[str]]:
        """Each licence and the photographs under it."""
        return self.store.licences()


def photo_source(photos: Path, leave_out: tuple[str, ...] = ()) -> PhotoFolder | PhotoStore:
    """Photographs of a folder, or of its packed store."""
    return (PhotoStore if is_store(photos) else PhotoFolder)(photos, leave_out)


@cache
def _light_of_values() -> npt.NDArray[np.float32]:
    """Linear light of each of the display values that 16 bits hold."""
    return decode(torch.arange(65536) / 65535, "rec709").numpy()


def shrink(picture: Tensor, factor: int) -> Tensor:
    """Picture (3, H, W) of display values, averaged over squares of its linear light."""
    if factor == 1:
        return picture
    return encode(F.avg_pool2d(decode(picture, "rec709"), factor), "rec709")


def reduced(path: Path, factor: int) -> npt.NDArray[np.uint16]:
    """A photograph (3, H, W), made smaller; raises `FileError` where it is damaged or none."""
    pixels = display_values(path)
    height, width = pixels.shape[-2:]
    if min(height, width) < factor:
        raise FileError.of(path, f"is {height}x{width}; expected {factor} or more")
    small = shrink(pixels, factor)
    return (small * 65535).round().to(torch.int32).numpy().astype(np.uint16)


def display_values(path: Path) -> Tensor:
    """A photograph (3, H, W) in [0, 1]."""
    try:
        with Image.open(path) as image:
            if not image.mode.startswith(_DEEP):
                pixels = np.asarray(image.convert("RGB"), dtype=np.float32) / 255
                return torch.from_numpy(pixels).permute(2, 0, 1)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FileError.of(path, f"cannot be read as a photograph: {error}") from error
    return read_picture(path)
