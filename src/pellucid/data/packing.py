"""Packing a folder of photographs or raws into a store, each file decoded once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pellucid.data.fivek import fivek_names, is_fivek, present
from pellucid.data.licences import NOT_STATED, named_without_file, stated_licences
from pellucid.data.manifest import Kind, Packing, Shot
from pellucid.data.photos import SUFFIXES, photographs, reduced
from pellucid.data.raws import TURNING, clean_mosaic, raw_files
from pellucid.data.store_writer import StoreWriter, writing
from pellucid.errors import FileError
from pellucid.io import is_raw
from pellucid.io.checksums import sha256_of


@dataclass(frozen=True, slots=True)
class PackOptions:
    """How a folder is packed."""

    kind: Kind | None = None
    """What to pack of a folder that holds both photographs and raws."""
    reduce: int | None = None
    """The factor by which photographs are made smaller, 2 unless told; raws are never."""
    patch: int = 2
    """Side of the patches to be cut; a file that is too small for them is refused."""
    licence: str | None = None
    """Of every file that the folder's own `LICENSES.json` does not name."""


class Packed(NamedTuple):
    """What a pack did."""

    packing: Packing
    new: int
    """Files decoded now."""
    whole: int
    """Files of the folder that the store holds."""
    failed: int
    licences: dict[str, int]
    """How many of them are under each licence."""
    gone: list[str]
    """What the store held of files that the folder has no more."""


def pack(
    folder: Path, store: Path, options: PackOptions, report: Callable[[FileError], object]
) -> Iterator[Packed]:
    """Pack what a store does not hold yet, and yield the state after each file.

    In the end the store holds no file that the folder does not, nor one that is too small.
    Files are told by their sha256. A bad one goes to `report`, and the others go on; so does a
    licence of a file that is not there. Raises `FileError` where the folder, its licences or the
    store make no sense.
    """
    packing, paths = plan(folder, options)
    licences = stated_licences(folder, options.licence)
    if slip := named_without_file(folder, [path.name for path in paths]):
        report(slip)
    counts: dict[str, int] = {}
    new = failed = 0
    with writing(store, packing) as writer:
        gone = sorted(writer.items.keys() - {path.name for path in paths})
        for path in paths:
            try:
                new += _pack_file(path, licences(path.name), packing, options.patch, writer)
            except FileError as error:
                report(error)
                failed += 1
            else:
                licence = writer.items[path.name].licence
                counts[licence] = counts.get(licence, 0) + 1
            yield Packed(packing, new, sum(counts.values()), failed, counts, gone)
        for name in gone:
            writer.leave_out(name)
        writer.finish(failed)


def plan(folder: Path, options: PackOptions) -> tuple[Packing, list[Path]]:
    """What to pack: the valid raws of FiveK's layout, else the folder's photographs or raws."""
    if is_fivek(folder):
        names = fivek_names(folder, "all", present(folder))
        kind, paths = "raws", [folder / "Raw" / name for name in names]
    else:
        kind = options.kind or _kind(folder)
        paths = photographs(folder) if kind == "photos" else raw_files(folder)
    if kind == "raws" and options.reduce not in (None, 1):
        # The centre of four red sites is not where a red site of the smaller mosaic lies.
        raise FileError.of(folder, "holds raws; expected no --reduce, which would shift colours")
    return Packing(kind, 1 if kind == "raws" else options.reduce or 2), paths


def _kind(folder: Path) -> Kind:
    if not folder.is_dir():
        raise FileError.of(folder, "no such folder; expected one of photographs or raws")
    files = [path for path in folder.iterdir() if path.is_file()]
    raws = any(is_raw(path) for path in files)
    photos = any(path.suffix.lower() in SUFFIXES for path in files)
    if raws == photos:
        what = "both photographs and raws; expected --kind" if raws else "no photographs or raws"
        raise FileError.of(folder, f"holds {what}")
    return "raws" if raws else "photos"


def _pack_file(path: Path, licence: str, packing: Packing, least: int, writer: StoreWriter) -> bool:
    """Whether the file had to be decoded; raises `FileError` where it is no good."""
    sha256 = sha256_of(path)
    known = writer.items.get(path.name)
    if known is not None and known.source_sha256 != sha256:
        raise FileError.of(path, "is not the file that was packed; expected it in a new store")
    known = known or writer.gone.get(path.name)
    if known is None or known.source_sha256 != sha256:
        array, shot = _decode(path, packing)
        _refuse_smaller(path, array.shape, packing, least, writer)
        writer.append(path, sha256, array, licence, shot)
        return True
    _refuse_smaller(path, known.shape, packing, least, writer)
    if path.name in writer.gone or licence not in (known.licence, NOT_STATED):
        stated = known.licence if licence == NOT_STATED else licence
        writer.state(replace(known, licence=stated))
    return False


def _refuse_smaller(
    path: Path, shape: Sequence[int], packing: Packing, least: int, writer: StoreWriter
) -> None:
    """Raise `FileError` for what patches cannot be cut from; what is packed is left out then."""
    height, width = shape[1:]
    least += TURNING if packing.kind == "raws" else 0
    if min(height, width) < least:
        if path.name in writer.items:
            writer.leave_out(path.name)
        raise FileError.of(path, f"gives {height}x{width} pixels; expected {least} or more")


def _decode(path: Path, packing: Packing) -> tuple[npt.NDArray[np.uint16], Shot | None]:
    return clean_mosaic(path) if packing.kind == "raws" else (reduced(path, packing.reduce), None)
