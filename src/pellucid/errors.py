"""The errors a user meets, each one line with what was got and what was expected."""

from pathlib import Path


class PellucidError(Exception):
    """The root of Pellucid's own errors; the command line prints it and exits with code 2."""


class NetworkError(PellucidError, ValueError):
    """A network whose parts do not go together, or that is given what is not for it."""


class ConfigError(PellucidError, ValueError):
    """A configuration that says what there is not, or what cannot be."""


class FileError(PellucidError):
    """A file that cannot be read or written."""

    @classmethod
    def of(cls, path: str | Path, reason: str) -> "FileError":
        """The error `path: reason`, on one line whatever the reason holds."""
        return cls(" ".join(f"{path}: {reason}".split()))

    @classmethod
    def from_os(cls, path: str | Path, error: OSError) -> "FileError":
        """The error of a failed system call, in the system's words."""
        words = error.strerror or str(error) or type(error).__name__
        return cls.of(path, words[:1].lower() + words[1:])
