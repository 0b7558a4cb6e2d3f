"""A user's own noisy raws or pictures: read, told apart by camera, some of them held out."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from pellucid.data.photos import SUFFIXES
from pellucid.data.synthesis import generator_of
from pellucid.errors import FileError, PellucidError
from pellucid.io import is_raw, read_bayer, read_picture
from pellucid.training.real_raws import Shot, shot_of

Kind = Literal["raws", "pictures"]
MEMORY = 2**30
"""Bytes of pixels that stay decoded; of larger folders a part of each file is used."""
HELD = 5
"""One of so many files is held out, or where there is but one, a quarter of it."""
LEAST = 128
"""Pixels of the shorter side of a file, and of a held-out region."""


class PictureFile(NamedTuple):
    """A picture in memory."""

    name: str
    pixels: npt.NDArray[np.uint16]
    """(3, H, W) of display values, 65535 for 1."""


Item = TypeVar("Item", Shot, PictureFile)


@dataclass(frozen=True)
class Gathered(Generic[Item]):
    """What could be read of a folder."""

    items: list[Item]
    cameras: dict[str, int]
    """Files of each camera, the most frequent first."""
    failed: int


@dataclass(frozen=True)
class Divided(Generic[Item]):
    """What is adapted to, and what judges it."""

    kept: list[Item]
    held: list[Item]
    words: str
    """How it was divided, for the user."""


def files_of(folder: Path, kind: Kind) -> list[Path]:
    """The raws or the pictures of a folder by name, or one file.

    Raises FileError where there are none.
    """
    if not folder.exists():
        raise FileError(f"{folder}: no such folder; expected a folder of noisy {kind}")
    there = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    files = [path for path in there if path.is_file()]
    raws = [path for path in files if is_raw(path)]
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES and path not in raws]
    wanted, others = (raws, pictures) if kind == "raws" else (pictures, raws)
    if not wanted:
        other = ("picture" if kind == "raws" else "raw") + "s" * (len(others) > 1)
        found = f"{len(others)} {other}" if others else "neither raws nor pictures"
        raise FileError(f"{folder} holds {found}; the model restores {kind}, expected some")
    return wanted


def gather_raws(
    paths: Sequence[Path], camera: str | None, report: Callable[[FileError], object]
) -> Gathered[Shot]:
    """Raws with their noise levels."""

    def read(path: Path) -> tuple[str, Shot]:
        raw = read_bayer(path)
        shot = shot_of(raw)
        return f"{raw.make} {raw.model}".strip(), shot

    return _gather(paths, read, camera, report)


def gather_pictures(
    paths: Sequence[Path], camera: str | None, report: Callable[[FileError], object]
) -> Gathered[PictureFile]:
    """Pictures."""

    def read(path: Path) -> tuple[str, PictureFile]:
        pixels = np.rint(read_picture(path).numpy() * 65535).astype(np.uint16)
        return camera_of(path), PictureFile(path.name, pixels)

    return _gather(paths, read, camera, report)


def camera_of(path: Path) -> str:
    """Make and model in a picture's EXIF; empty where there is none."""
    try:
        with Image.open(path) as image:
            exif = image.getexif()
    except (OSError, ValueError, SyntaxError):
        return ""
    said = (str(exif.get(tag, "")).strip("\0 ") for tag in (271, 272))
    return " ".join(word for word in said if word)


def _gather(
    paths: Sequence[Path],
    read: Callable[[Path], tuple[str, Item]],
    camera: str | None,
    report: Callable[[FileError], object],
) -> Gathered[Item]:
    """Every file that can be read, cut so that all of them fit into memory."""
    items: list[Item] = []
    cameras: Counter[str] = Counter()
    failed, share = 0, MEMORY // len(paths)
    for number, path in enumerate(paths):
        try:
            name, item = read(path)
            _check_size(path, item.pixels)
        except FileError as error:
            report(error)
            failed += 1
            continue
        cameras[name or "no camera named"] += 1
        if camera is None or camera.casefold() in name.casefold():
            height, width = _places(item.pixels.shape[1:], item.pixels.nbytes, share, number)
            items.append(item._replace(pixels=item.pixels[:, height, width].copy()))
    found = dict(cameras.most_common())
    if not cameras:
        raise PellucidError(f"none of {len(paths)} files could be read; expected one or more")
    if not items:
        raise PellucidError(f"--camera {camera}: no such files; expected one of {', '.join(found)}")
    return Gathered(items, found, failed)


def _check_size(path: Path, pixels: npt.NDArray[np.generic]) -> None:
    height, width = pixels.shape[1:]
    if min(height, width) < LEAST:
        raise FileError.of(path, f"is {height}x{width} pixels; expected {LEAST} or more a side")


def _places(sides: Sequence[int], size: int, share: int, number: int) -> list[slice]:
    """What is kept of a picture of `size` bytes: all of it, or a part at even offsets.

    The part is of `share` bytes at most, and lies elsewhere for each number.
    """
    scale = min(1.0, (share / size) ** 0.5)
    places: list[slice] = []
    for axis, side in enumerate(sides):
        span = side if scale == 1 else max(LEAST, int(side * scale) // 2 * 2)
        free = generator_of(number, axis).initial_seed() % ((side - span) // 2 + 1)
        places.append(slice(2 * free, 2 * free + span))
    return places


def divide(items: list[Item], seed: int) -> Divided[Item]:
    """Some files held out, at least one; of a single one its right-hand quarter."""
    if len(items) == 1:
        return _regions(items[0])
    order: list[int] = torch.randperm(len(items), generator=generator_of(seed)).tolist()
    count = max(1, len(items) // HELD)
    held = [items[number] for number in order[:count]]
    kept = [items[number] for number in order[count:]]
    return Divided(kept, held, f"{count} of {len(items)} files are held out to judge by")


def _regions(item: Item) -> Divided[Item]:
    width = item.pixels.shape[2]
    span = max(LEAST, width // 4) // 2 * 2
    if width < 2 * LEAST:
        raise PellucidError(
            f"{item.name} is all there is, {width} pixels wide; expected {2 * LEAST}"
        )
    left = (width - span) // 2 * 2
    kept, held = item.pixels[:, :, :left], item.pixels[:, :, left:]
    words = f"{item.name} is all there is: its right-hand {span} columns are held out to judge by"
    return Divided([item._replace(pixels=kept)], [item._replace(pixels=held)], words)
