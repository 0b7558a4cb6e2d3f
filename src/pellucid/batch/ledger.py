"""What a folder of results says of itself: a line of JSON for each file that had its turn.

A result's line, with its checksum, is on the disk before the result takes its place, and a line
counts only while the result is what it says. So whatever stops a batch, at whatever moment, the
next one finds whole results and knows which of them it wrote.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pellucid.batch.inputs import Shard, Source
from pellucid.errors import FileError
from pellucid.io.locks import lock

VERSION = 1
_HEAD = json.dumps({"pellucid_restore": VERSION}).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Content:
    """What tells a file from others."""

    sha256: str
    size: int
    """Bytes."""
    mtime_ns: int
    """Of its last change; where it and the size agree nothing needs to be read."""


@dataclass(frozen=True, slots=True)
class Level:
    """A noise level, one number or three for R, G, B, and where it came from."""

    shot: list[float]
    read: list[float]
    origin: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one file."""

    name: str
    """In the tree of inputs."""
    source: Content | None
    settings: dict[str, object]
    finished: str
    """Date and time."""
    seconds: float
    output: str | None = None
    """In the tree of results."""
    result: Content | None = None
    noise: Level | None = None
    error: str | None = None
    path: str | None = None
    """Where the file lay."""


def content_of(path: Path) -> Content:
    """Checksum, size and time of a file; raises FileError where it cannot be read."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Content(sha256, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise FileError.from_os(path, error) from error


class Ledger:
    """The manifest of a folder, and the drafts beside it."""

    def __init__(self, folder: Path, file: BinaryIO, drafts: Path, entries: list[Entry]) -> None:
        """`keeping` opens the files."""
        self.folder = folder
        self._file, self._drafts = file, drafts
        self._by_name: dict[str, list[Entry]] = {}
        self._by_output: dict[str, list[Entry]] = {}
        for entry in entries:
            self._remember(entry)

    def draft(self, number: int, ending: str) -> Path:
        """Where a result is written before it is whole."""
        return self._drafts / f"{number}{ending}"

    def finished(self, source: Source, settings: dict[str, object]) -> bool:
        """Whether a file's result is there, made of these bytes with these settings."""
        for entry in reversed(self._by_name.get(source.name, [])):
            made = entry.result is not None and entry.settings == settings
            if made and self._is_whole(entry) and _same_bytes(source.path, entry.source):
                return True
        return False

    def check_free(self, output: str, source: Path, overwrite: bool) -> None:
        """Raise FileError where a file stands that is not as a batch left it, or a folder.

        So it is where a batch left the result of another file: cameras count from 1 again.
        """
        path = self.folder / output
        try:
            stands, is_folder = path.exists(), path.is_dir()
        except OSError as error:
            raise FileError.from_os(path, error) from error
        if is_folder:
            raise FileError.of(path, "is a directory; expected the name of a file to write")
        if not stands or overwrite:
            return
        entry = self._standing(output)
        if entry is None:
            raise FileError.of(
                path, "is not as pellucid restore left it; expected another folder, or --overwrite"
            )
        if entry.path != os.path.realpath(source) and not _same_bytes(source, entry.source):
            raise FileError.of(
                path, f"was made of {entry.path}; expected another folder, or --overwrite"
            )

    def _standing(self, output: str) -> Entry | None:
        """The last entry of which the result stands there."""
        path, entries = self.folder / output, reversed(self._by_output.get(output, []))
        return next((one for one in entries if one.result and _is(path, one.result)), None)

    def keep(self, entry: Entry, draft: Path) -> None:
        """Say that a file is done, and put its result in place; raises FileError."""
        assert entry.output is not None
        path = self.folder / entry.output
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.say(entry)
            os.replace(draft, path)
        except OSError as error:
            raise FileError.from_os(path, error) from error

    def say(self, entry: Entry) -> None:
        """Add a line, and see that it is on the disk."""
        try:
            self._file.write(json.dumps(asdict(entry)).encode() + b"\n")
            _to_disk(self._file)
        except OSError as error:
            raise FileError.from_os(self._file.name, error) from error
        self._remember(entry)

    def _remember(self, entry: Entry) -> None:
        self._by_name.setdefault(entry.name, []).append(entry)
        if entry.output is not None and entry.result is not None:
            self._by_output.setdefault(entry.output, []).append(entry)

    def _is_whole(self, entry: Entry) -> bool:
        assert entry.output is not None and entry.result is not None
        return _is(self.folder / entry.output, entry.result)


def _is(path: Path, content: Content) -> bool:
    """Whether a file is there and is what was written."""
    try:
        status = path.stat()
    except OSError:
        return False
    if status.st_size != content.size:
        return False
    return status.st_mtime_ns == content.mtime_ns or _same_bytes(path, content)


def _same_bytes(path: Path, content: Content | None) -> bool:
    try:
        return content is not None and content_of(path).sha256 == content.sha256
    except FileError:
        return False


@contextmanager
def keeping(folder: Path, shard: Shard | None = None) -> Generator[Ledger]:
    """The ledger of a folder, which is made where there is none; each shard writes its own.

    Raises FileError where another batch writes to it, and where the system refuses.
    """
    part = "" if shard is None else f"-{shard.number}of{shard.parts}"
    path, drafts = folder / f"pellucid{part}.jsonl", folder / f".pellucid{part}.drafts"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            lock(file, folder, "pellucid restore")
            _begin(file, path)
            entries = [e for known in sorted(folder.glob("pellucid*.jsonl")) for e in _read(known)]
            with _empty_folder(drafts):
                yield Ledger(folder, file, drafts, entries)
    except OSError as error:
        raise FileError.from_os(error.filename or folder, error) from error


@contextmanager
def _empty_folder(drafts: Path) -> Generator[None]:
    """A folder without what a killed batch left, and which leaves nothing itself."""
    if drafts.exists():
        shutil.rmtree(drafts)
    drafts.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(drafts, ignore_errors=True)


def _begin(file: BinaryIO, path: Path) -> None:
    """Write the first line of a new manifest, and cut a torn last one off an old."""
    file.seek(0)
    text = file.read()
    whole = text.rfind(b"\n") + 1
    if not text.startswith(_HEAD[: len(text)]):
        raise FileError.of(path, "is no manifest of pellucid restore; expected another folder")
    file.truncate(whole)
    if not whole:
        file.write(_HEAD)
        _to_disk(file)


def _read(path: Path) -> list[Entry]:
    """The whole lines of a manifest."""
    try:
        head, *lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise FileError.from_os(path, error) from error
    if head + b"\n" != _HEAD:
        return []
    entries: list[Entry] = []
    for line in lines:
        with suppress(ValueError, TypeError, KeyError):  # torn, or of another kind
            entries.append(_entry(json.loads(line)))
    return entries


def _entry(said: dict[str, Any]) -> Entry:
    for key, kind in {"source": Content, "result": Content, "noise": Level}.items():
        said[key] = None if said[key] is None else kind(**said[key])
    return Entry(**said)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
