"""A store of decoded pictures: one flat file of pixels, mapped into memory, and its manifest."""

from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt

from pellucid.data.left_out import refuse_misspelt
from pellucid.data.licences import by_licence
from pellucid.data.manifest import DTYPE, PIXELS, Item, Kind, Packing, Shot, read_manifest
from pellucid.errors import FileError


class Store(Sequence[npt.NDArray[np.uint16]]):
    """A packed folder: a sequence of arrays in memory-mapped pixels, by the names of their files.

    It pickles as its path and manifest, so that workers map the file themselves.
    """

    def __init__(self, folder: Path, packing: Packing, items: Sequence[Item]) -> None:
        """`open` reads these from the manifest."""
        self.folder, self.packing = folder, packing
        self.items = sorted(items, key=lambda item: item.name)

    @classmethod
    def open(cls, folder: str | Path, kind: Kind | None = None) -> "Store":
        """The store in a folder; raises `FileError` where it is none of that kind."""
        manifest = read_manifest(Path(folder))
        if not manifest.finished:
            raise FileError.of(
                folder, "packing was not finished; expected the same pellucid pack run once more"
            )
        if kind not in (None, manifest.packing.kind):
            raise FileError.of(folder, f"holds {manifest.packing.kind}; expected a store of {kind}")
        if not manifest.items:
            raise FileError.of(folder, "holds nothing; expected one picture or more")
        return cls(Path(folder).resolve(), manifest.packing, manifest.items)

    def __reduce__(self) -> tuple[type["Store"], tuple[Path, Packing, list[Item]]]:
        return Store, (self.folder, self.packing, self.items)

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, which: int) -> npt.NDArray[np.uint16]: ...
    @overload
    def __getitem__(self, which: slice) -> list[npt.NDArray[np.uint16]]: ...
    def __getitem__(
        self, which: int | slice
    ) -> npt.NDArray[np.uint16] | list[npt.NDArray[np.uint16]]:
        if isinstance(which, slice):
            return [self._array(item) for item in self.items[which]]
        return self._array(self.items[which])

    @property
    def names(self) -> list[str]:
        """The files' names."""
        return [item.name for item in self.items]

    @property
    def shots(self) -> list[Shot]:
        """What each raw says beside its mosaic; raises `FileError` where one says nothing."""
        shots = [item.shot for item in self.items if item.shot is not None]
        if len(shots) < len(self.items):
            raise FileError.of(self.folder, "holds pictures without cameras; expected raws")
        return shots

    def without(self, names: Collection[str]) -> "Store":
        """The store but for some; raises `FileError` where none is left, or a name is misspelt."""
        refuse_misspelt(self.folder, names, self.names)
        kept = [item for item in self.items if item.name not in names]
        if not kept:
            raise FileError.of(self.folder, "all its files are left out; expected one or more")
        return Store(self.folder, self.packing, kept)

    def only(self, names: Collection[str]) -> "Store":
        """Some files of the store; raises `FileError` where one is missing."""
        missing = sorted(set(names) - set(self.names))
        if missing:
            raise FileError.of(self.folder, missing_words(missing))
        return Store(self.folder, self.packing, [i for i in self.items if i.name in names])

    def licences(self) -> dict[str, list[str]]:
        """Each licence and the files under it."""
        return by_licence((item.name, item.licence) for item in self.items)

    @cached_property
    def _pixels(self) -> npt.NDArray[np.uint16]:
        try:
            return np.memmap(self.folder / PIXELS, dtype=DTYPE, mode="r")
        except (OSError, ValueError) as error:
            raise FileError.of(self.folder / PIXELS, f"cannot be mapped: {error}") from error

    def _array(self, item: Item) -> npt.NDArray[np.uint16]:
        flat = self._pixels[item.offset // 2 : item.end // 2]
        if 2 * flat.size < item.end - item.offset:
            raise FileError.of(self.folder / PIXELS, f"is cut off within {item.name}")
        return flat.reshape(item.shape)


def missing_words(missing: Sequence[str]) -> str:
    """The error of listed files that are not there."""
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"lacks {missing[0]}{more}; expected every file that the list names"
