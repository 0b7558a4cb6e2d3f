"""The files of a batch: which there are, whose turn they are, and what their results are called."""

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pellucid.errors import FileError, PellucidError
from pellucid.io import PICTURE_SUFFIXES, is_raw
from pellucid.io.places import Place, place_of

Report = Callable[[FileError], object]


class Source(NamedTuple):
    """A file to restore."""

    path: Path
    name: str
    """Its place in the tree that is restored, with slashes on every system."""


class Shard(NamedTuple):
    """The part of the files that one machine of several takes."""

    number: int
    """From 1."""
    parts: int


def find_sources(
    inputs: Sequence[Path], pictures: bool, leave_out: Path | None, report: Report
) -> list[Source]:
    """The files given, and the raws of the folders given, with their pictures where asked for.

    One folder gives its tree, and of several inputs each folder's tree keeps the folder's name.
    Hidden files and the folder `leave_out` are not read; what cannot be opened goes to `report`.
    Raises PellucidError where that folder is a given one.
    """
    found: list[Source] = []
    seen: set[Place] = set() if leave_out is None else {place_of(leave_out)}
    for given in inputs:
        if not os.path.isdir(given):  # what cannot be opened is said when its turn comes
            found.append(Source(given, given.name))
            continue
        if place_of(given) in seen:
            raise PellucidError(f"-o {leave_out} is the folder of the inputs; expected another one")
        root = PurePosixPath(given.resolve().name if len(inputs) > 1 else "")
        for path in _walk(given, set(seen), report):
            if is_raw(path) or (pictures and path.suffix.lower() in PICTURE_SUFFIXES):
                found.append(Source(path, str(root / path.relative_to(given).as_posix())))
    return found


def _walk(folder: Path, seen: set[Place], report: Report) -> Iterator[Path]:
    """Files below a folder in the order of their names, each folder once, however it is linked."""
    try:
        entries = sorted(os.listdir(folder))
    except OSError as error:
        report(FileError.from_os(folder, error))
        return
    if (place := place_of(folder)) in seen:
        return
    seen.add(place)
    for entry in entries:
        path = folder / entry
        # Hidden: macOS puts a ._NAME.CR2 beside each NAME.CR2 on a card.
        if entry.startswith("."):
            continue
        try:
            is_folder = path.is_dir()
        except OSError as error:
            report(FileError.from_os(path, error))
            continue
        if is_folder:
            yield from _walk(path, seen, report)
        else:
            yield path


def in_shard(source: Source, shard: Shard | None) -> bool:
    """Whether a file is in a shard, by its name alone: machines agree without talking."""
    if shard is None:
        return True
    # One name on macOS and on Linux, which write accents in two ways.
    name = unicodedata.normalize("NFC", source.name)
    digest = hashlib.sha256(os.fsencode(name)).digest()
    return int.from_bytes(digest[:8]) % shard.parts == shard.number - 1


def result_names(sources: Sequence[Source], ending: str) -> list[str]:
    """Names of the results: the ending takes the place of the old one, or follows it.

    It follows where two files differ in theirs alone (a.dng, a.crw). Raises PellucidError where two
    files have the same name.
    """
    names = [source.name for source in sources]
    stems = Counter(_stem(name).casefold() for name in names)
    results = [(name if stems[_stem(name).casefold()] > 1 else _stem(name)) for name in names]
    again = Counter(results)
    results = [
        name if again[result] > 1 else result for name, result in zip(names, results, strict=True)
    ]
    paths: dict[str, Path] = {}
    for source, result in zip(sources, results, strict=True):
        if (other := paths.setdefault(result, source.path)) is not source.path:
            raise PellucidError(
                f"{other} and {source.path}: two inputs have the same name; expected names that "
                "differ, as their results do"
            )
    return [result + ending for result in results]


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))
