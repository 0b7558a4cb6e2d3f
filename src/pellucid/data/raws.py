"""Clean raws as a source of patches: low-ISO photographs whose own noise does not matter."""
# pyright: reportUnknownMemberType=false

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor

from pellucid.data.left_out import refuse_misspelt
from pellucid.data.licences import by_licence, stated_licences
from pellucid.data.manifest import Shot
from pellucid.data.sources import CleanRaw, refuse_smaller
from pellucid.data.store import Store
from pellucid.data.synthesis import turned
from pellucid.errors import FileError
from pellucid.io import is_raw, read_bayer
from pellucid.isp import Rendering
from pellucid.noise_laws import uniform

TURNING = 2
"""A patch is cut larger by so many pixels, because turning moves the red sites."""


def raw_files(folder: Path, leave_out: Iterable[str] = ()) -> list[Path]:
    """The raws in a folder by name; raises `FileError` if there are none.

    Likewise where a name to be left out is nearly that of a raw.
    """
    if not folder.is_dir():
        raise FileError(f"{folder}: no such folder; expected a folder of raws")
    left_out = set(leave_out)
    files = [path for path in folder.iterdir() if is_raw(path) and path.is_file()]
    refuse_misspelt(folder, left_out, [path.name for path in files])
    paths = sorted(path for path in files if path.name not in left_out)
    if not paths:
        raise FileError(f"{folder}: no raws; expected files such as .dng, .cr2 or .nef")
    return paths


def clean_mosaic(path: Path) -> tuple[npt.NDArray[np.uint16], Shot]:
    """A raw's RGGB mosaic (1, H, W), 65535 where it saturates, with its camera and exposure.

    What noise leaves below black becomes 0: as a truth, light is not negative.
    """
    raw = read_bayer(path)
    pixels = (raw.mosaic.clamp(0, 1) * 65535).round().to(torch.int32).numpy().astype(np.uint16)
    return pixels, Shot(raw.camera, raw.exposure)


def decoded(paths: Iterable[Path]) -> tuple[list[npt.NDArray[np.uint16]], list[Shot]]:
    """Mosaics and shots of some raws."""
    pairs = [clean_mosaic(path) for path in paths]
    return [mosaic for mosaic, _ in pairs], [shot for _, shot in pairs]


class Raws:
    """Patches of raws that are in memory, or mapped into it, each with its own camera."""

    def __init__(
        self, names: list[str], mosaics: Sequence[npt.NDArray[np.uint16]], shots: Sequence[Shot]
    ) -> None:
        """`mosaics` (1, H, W) are RGGB, with 65535 for 1."""
        self.names, self.mosaics, self.shots = names, mosaics, shots

    def check(self, size: int) -> None:
        """Raise `FileError` where a raw is too small for patches of that side."""
        for name, mosaic in zip(self.names, self.mosaics, strict=True):
            refuse_smaller(name, mosaic.shape, size + TURNING)

    def patch(self, size: int, generator: Generator) -> CleanRaw:
        """A patch at even offsets of any raw, all of them equally often, with a random tone."""
        number = int(torch.randint(len(self.names), (), generator=generator).item())
        mosaic, shot = self.mosaics[number], self.shots[number]
        span = size + TURNING
        refuse_smaller(self.names[number], mosaic.shape, span)
        top, left = (
            2 * int(torch.randint((side - span) // 2 + 1, (), generator=generator).item())
            for side in mosaic.shape[1:]
        )
        crop = mosaic[:, top : top + span, left : left + span].astype(np.float32)
        patch = turned_mosaic(torch.from_numpy(crop) / 65535, generator)[:, :size, :size]
        return CleanRaw(patch, shot.camera, Rendering(shot.exposure, uniform(0, 1, generator)))


def turned_mosaic(mosaic: Tensor, generator: Generator) -> Tensor:
    """RGGB mosaic (1, H, W) in one of its eight turns, RGGB again and up to one pixel smaller."""
    red = torch.zeros_like(mosaic)
    red[..., ::2, ::2] = 1
    mosaic, red = turned(torch.stack([mosaic, red]), generator)
    row, column = red[0, :2, :2].nonzero()[0]
    return mosaic[..., int(row) :, int(column) :]


class RawFolder(Raws):
    """Patches of a folder of raws, all of them decoded into memory at the start."""

    def __init__(self, folder: Path, leave_out: tuple[str, ...] = ()) -> None:
        """`folder` is searched for the usual endings of raw files; a damaged one is an error."""
        paths = raw_files(Path(folder), leave_out)
        super().__init__([path.name for path in paths], *decoded(paths))
        self.folder = Path(folder)

    def licences(self) -> dict[str, list[str]]:
        """Each licence that the folder's `LICENSES.json` states, and the raws under it."""
        stated = stated_licences(self.folder)
        return by_licence((name, stated(name)) for name in self.names)


class RawStore(Raws):
    """The patches that `RawFolder` has for the same generator, out of a packed store."""

    def __init__(self, store: Path, leave_out: tuple[str, ...] = ()) -> None:
        """`store` is what `pellucid pack` wrote; raises `FileError` where nothing is left of it."""
        self.store = Store.open(store, "raws").without(leave_out)
        super().__init__(self.store.names, self.store, self.store.shots)

    def licences(self) -> dict[str, list[str]]:
        """Each licence and the raws under it."""
        return self.store.licences()
