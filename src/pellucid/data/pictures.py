"""Pictures of any size as a source of patches: a folder, a packed store, or some files."""
# pyright: reportUnknownMemberType=false

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor

from pellucid.data.licences import by_licence, stated_licences
from pellucid.data.manifest import is_store
from pellucid.data.mirror import mirrored_up
from pellucid.data.photos import photographs
from pellucid.data.store import Store
from pellucid.io import read_picture

Pixels = npt.NDArray[np.uint16]
"""(3, H, W) of display values, 65535 for 1."""


class Decoded:
    """The pixels of files, of which the last ones used stay in memory."""

    def __init__(self, paths: Sequence[Path], memory: int = 2**30) -> None:
        """`memory` is how many bytes may stay; a 12-megapixel picture has 72 million."""
        self.paths, self.memory = list(paths), memory
        self._kept: OrderedDict[int, Pixels] = OrderedDict()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, which: int) -> Pixels:
        if which in self._kept:
            self._kept.move_to_end(which)
            return self._kept[which]
        values = read_picture(self.paths[which]).numpy()
        pixels = np.rint(values * 65535).astype(np.uint16)
        self._kept[which] = pixels
        while (
            len(self._kept) > 1 and sum(each.nbytes for each in self._kept.values()) > self.memory
        ):
            self._kept.popitem(last=False)
        return pixels


class Pictures:
    """Pictures by number, and patches of them; smaller ones are continued by their mirror image."""

    def __init__(
        self,
        names: Sequence[str],
        pixels: Decoded | Store,
        licences: dict[str, list[str]] | None = None,
    ) -> None:
        """`of_folder` reads these from a folder."""
        self.names, self.pixels = list(names), pixels
        self._licences = licences or {}

    @classmethod
    def of_folder(cls, folder: Path, leave_out: Sequence[str] = ()) -> Self:
        """The pictures of a folder, or of a packed store; raises `FileError` if there are none."""
        folder = Path(folder)
        if is_store(folder):
            store = Store.open(folder, "photos").without(leave_out)
            return cls(store.names, store, store.licences())
        paths, stated = photographs(folder, leave_out), stated_licences(folder)
        names = [path.name for path in paths]
        return cls(names, Decoded(paths), by_licence((name, stated(name)) for name in names))

    @classmethod
    def of_files(cls, paths: Sequence[Path]) -> Self:
        """Some files."""
        return cls([path.name for path in paths], Decoded(paths))

    def __len__(self) -> int:
        return len(self.names)

    def licences(self) -> dict[str, list[str]]:
        """Each licence and the pictures under it."""
        return self._licences

    def patch_of(self, which: int, size: int, generator: Generator) -> Tensor:
        """A patch (3, size, size), anywhere in picture number `which`."""
        pixels = self.pixels[which]
        return cut(pixels, corner(pixels.shape, size, generator), size)


def corner(shape: tuple[int, ...], size: int, generator: Generator) -> tuple[int, int]:
    """Top and left of a patch in a picture (3, H, W); 0 where the picture is smaller."""
    top, left = (
        int(torch.randint(max(0, side - size) + 1, (), generator=generator).item())
        for side in shape[1:]
    )
    return top, left


def cut(pixels: Pixels, where: tuple[int, int], size: int) -> Tensor:
    """The patch (3, size, size) at a corner, mirrored up where the picture is smaller."""
    top, left = where
    part = pixels[:, top : top + size, left : left + size].astype(np.float32) / 65535
    return mirrored_up(torch.from_numpy(part), size, size)
