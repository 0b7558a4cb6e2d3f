"""The manifest of a store: a JSON line for the store, then one for each item.

A line counts once it is whole, and a later line on an item takes the place of an earlier one: what
is gone from the packed folder gets a line that says so, and another one should it come back.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from pellucid.errors import FileError
from pellucid.raw import Camera

Kind = Literal["photos", "raws"]
MANIFEST, PIXELS = "manifest.jsonl", "pixels.bin"
DTYPE = "<u2"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Packing:
    """What is the same for a whole store."""

    kind: Kind
    reduce: int = 1
    """The factor by which photographs were made smaller."""


class Shot(NamedTuple):
    """What a raw says beside its mosaic."""

    camera: Camera
    exposure: float


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of a store."""

    name: str
    """Of the file that it was decoded from."""
    source_sha256: str
    """Of that file."""
    offset: int
    """Of its first byte in the file of pixels."""
    shape: tuple[int, int, int]
    """Photographs (3, H, W), raws (1, H, W); 65535 is 1."""
    sha256: str
    """Of its stored bytes."""
    licence: str
    shot: Shot | None = None
    """Raws have one."""
    dtype: str = DTYPE

    @property
    def end(self) -> int:
        """The offset behind its last byte."""
        return self.offset + 2 * int(np.prod(self.shape, dtype=np.int64))


class Manifest(NamedTuple):
    """What a manifest's whole lines say."""

    packing: Packing
    items: list[Item]
    gone: list[Item]
    """What was packed and is left out since; its bytes are still there."""
    finished: bool
    """The last pack reached its end."""
    whole: int
    """Bytes of whole lines."""


def is_store(folder: str | Path) -> bool:
    """Whether a folder holds a store."""
    return (Path(folder) / MANIFEST).is_file()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a store; raises `FileError` where there is none, or none of ours."""
    path = folder / MANIFEST
    try:
        text = path.read_bytes()
    except OSError as error:
        raise FileError.of(folder, "is no store; expected what pellucid pack writes") from error
    whole = text[: text.rfind(b"\n") + 1]
    try:
        head, *lines = [json.loads(line) for line in whole.splitlines()]
        if head["pellucid_store"] != VERSION:
            raise FileError.of(path, f"is of version {head['pellucid_store']}; expected {VERSION}")
        packing = Packing(head["kind"], head["reduce"])
        items, gone = _last_said(lines)
    except (ValueError, KeyError, TypeError) as error:
        raise FileError.of(path, f"makes no sense ({error}); expected a store's manifest") from None
    return Manifest(packing, items, gone, bool(lines) and "end" in lines[-1], len(whole))


def _last_said(lines: Sequence[dict[str, Any]]) -> tuple[list[Item], list[Item]]:
    """The items that are there and those that are gone: licences, too, are stated afterwards."""
    items: dict[str, Item] = {}
    gone: dict[str, Item] = {}
    for line in lines:
        if "item" in line:
            item = _item(line["item"])
            items[item.name] = item
            gone.pop(item.name, None)
        elif "gone" in line:
            gone[line["gone"]] = items.pop(line["gone"])
    return list(items.values()), list(gone.values())


def _item(said: dict[str, Any]) -> Item:
    channels, height, width = said.pop("shape")
    shot = said.pop("shot")
    return Item(**said, shape=(channels, height, width), shot=None if shot is None else _shot(shot))


def _shot(said: dict[str, Any]) -> Shot:
    return Shot(Camera(*(torch.tensor(values) for values in said["camera"])), said["exposure"])


def line_of(item: Item) -> dict[str, Any]:
    """What a manifest says of an item."""
    said = {**asdict(item), "shape": list(item.shape), "shot": None}
    if item.shot is not None:
        camera = [values.numpy().tolist() for values in item.shot.camera]
        said["shot"] = {"camera": camera, "exposure": item.shot.exposure}
    return {"item": said}
