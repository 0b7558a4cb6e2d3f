"""Writing and checking a store.

Pixels are on the disk before their line of the manifest is begun, and a line counts once it is
whole: whatever stops a pack, the store holds whole items, and the next pack goes on behind them.
"""

import hashlib
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from pellucid.data.manifest import (
    DTYPE,
    MANIFEST,
    PIXELS,
    VERSION,
    Item,
    Manifest,
    Packing,
    Shot,
    is_store,
    line_of,
    read_manifest,
)
from pellucid.errors import FileError
from pellucid.io.locks import lock


class StoreWriter:
    """Appends items to a store, each of them whole or not at all."""

    def __init__(self, manifest: BinaryIO, pixels: BinaryIO, held: Manifest) -> None:
        """`writing` opens the files."""
        self._manifest, self._pixels = manifest, pixels
        self.items = {item.name: item for item in held.items}
        self.gone = {item.name: item for item in held.gone}

    def append(
        self,
        source: Path,
        source_sha256: str,
        array: npt.NDArray[np.uint16],
        licence: str,
        shot: Shot | None = None,
    ) -> Item:
        """Add the array that a file was decoded to."""
        stored = np.ascontiguousarray(array, dtype=DTYPE)
        channels, height, width = stored.shape
        checksum = hashlib.sha256(stored.data).hexdigest()
        offset, shape = self._pixels.tell(), (channels, height, width)
        item = Item(source.name, source_sha256, offset, shape, checksum, licence, shot)
        self._pixels.write(stored.data)
        _to_disk(self._pixels)
        self.state(item)
        return item

    def state(self, item: Item) -> None:
        """Say what is known of an item, which takes the place of what was said before."""
        self._say(line_of(item))
        self.items[item.name] = item
        self.gone.pop(item.name, None)

    def leave_out(self, name: str) -> None:
        """Say that an item is not to be seen any more; its bytes stay, should it come back."""
        self._say({"gone": name})
        self.gone[name] = self.items.pop(name)

    def finish(self, failed: int) -> None:
        """Say that all files had their turn."""
        self._say({"end": {"failed": failed}})

    def _say(self, line: dict[str, Any]) -> None:
        self._manifest.write(json.dumps(line).encode() + b"\n")
        _to_disk(self._manifest)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def writing(folder: Path, packing: Packing) -> Generator[StoreWriter]:
    """A writer that goes on behind what a store holds already.

    Raises `FileError` where the folder holds something else, or a store packed differently.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not is_store(folder) and any(folder.iterdir()):
            raise FileError.of(folder, "holds other files; expected a store or a new folder")
        with (folder / MANIFEST).open("a+b") as lines, (folder / PIXELS).open("ab") as pixels:
            lock(lines, folder, "pellucid pack")
            held = _go_on(folder, packing, lines)
            end = max((item.end for item in (*held.items, *held.gone)), default=0)
            if pixels.tell() < end:
                raise FileError.of(folder / PIXELS, "is cut off; expected a new store")
            pixels.truncate(end)
            pixels.seek(end)
            yield StoreWriter(lines, pixels, held)
    except OSError as error:
        raise FileError.from_os(folder, error) from error


def _go_on(folder: Path, packing: Packing, lines: BinaryIO) -> Manifest:
    """What a manifest says, which is begun where it is empty, and cut behind its last line."""
    lines.seek(0)
    if not lines.readline().endswith(b"\n"):
        lines.truncate(0)
        lines.write(json.dumps({"pellucid_store": VERSION, **asdict(packing)}).encode() + b"\n")
        _to_disk(lines)
    manifest = read_manifest(folder)
    if manifest.packing != packing:
        was, now = map(_words, (manifest.packing, packing))
        raise FileError.of(folder, f"holds {was}, not {now}; expected another folder")
    lines.truncate(manifest.whole)
    return manifest


def _words(packing: Packing) -> str:
    return f"{packing.kind} reduced {packing.reduce} times"


def damaged(folder: Path) -> list[str]:
    """The items of a store whose bytes are not those that were packed, by name."""
    items = read_manifest(folder).items
    try:
        with (folder / PIXELS).open("rb") as file:
            return sorted(item.name for item in items if _checksum(file, item) != item.sha256)
    except OSError as error:
        raise FileError.from_os(folder / PIXELS, error) from error


def _checksum(file: BinaryIO, item: Item) -> str:
    file.seek(item.offset)
    return hashlib.sha256(file.read(item.end - item.offset)).hexdigest()
