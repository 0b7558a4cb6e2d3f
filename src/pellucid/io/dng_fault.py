"""The records of a DNG check."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from pellucid.io.tiff_reader import Bytes, Directory

Severity = Literal["error", "warning", "note"]
"""A reader fails or shows something wrong; a reader may; a choice that surprises some."""


class Finding(NamedTuple):
    """One thing that a reader would trip over."""

    severity: Severity
    where: str
    """Directory, or topic, of the file."""
    found: str
    expected: str
    readers: str
    """Which readers trip over it, as far as is known."""

    @property
    def line(self) -> str:
        """The finding as one line."""
        return (
            f"{self.severity}: {self.where}: {self.found}; expected {self.expected} "
            f"({self.readers})"
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """An opened DNG."""

    path: Path
    data: Bytes
    first: Directory
    directories: list[Directory]
    raw: Directory | None
    exif: Directory | None

    def name(self, directory: Directory) -> str:
        """IFD0, or the directory's number in reading order; the photograph's is the raw one."""
        if self.raw is not None and directory.offset == self.raw.offset:
            return "raw"
        number = [one.offset for one in self.directories].index(directory.offset)
        return f"IFD{number}"


ALL = "all readers"
SDK = "Adobe's readers"
