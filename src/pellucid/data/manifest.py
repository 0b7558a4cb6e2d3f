"""The manifest of a store: a JSON line for the store, then one for each item.

A line counts once it is whole, and a later line on an item takes the place of an earlier one.
"""

import json
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
        items = [_item(line["item"]) for line in lines if "item" in line]
        # A later line takes an earlier one's place: licences can be stated afterwards.
        items = list({item.name: item for item in items}.values())
    except (ValueError, KeyError, TypeError) as error:
        raise FileError.of(path, f"makes no sense ({error}); expected a store's manifest") from None
    return Manifest(packing, items, bool(lines) and "end" in lines[-1], len(whole))


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
