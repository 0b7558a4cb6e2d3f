"""Lists of paths, one a line: the `.flist` files of the papers, and plain text."""

from pathlib import Path

from pellucid.data.photos import photographs
from pellucid.errors import FileError

LIST_SUFFIXES = {".flist", ".txt"}


def is_path_list(path: str | Path) -> bool:
    """Whether a path is a list of files, by its ending."""
    return Path(path).suffix.lower() in LIST_SUFFIXES


def listed_files(path: str | Path) -> list[Path]:
    """The files of a list, in its order; relative ones from the list's folder, or from here.

    Raises `FileError` where the list cannot be read, names nothing, or names what is not there.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError.of(path, f"cannot be read ({error}); expected a path a line") from None
    named = [Path(line.strip()) for line in lines if line.strip()]
    if not named:
        raise FileError.of(path, "names nothing; expected a path a line")
    return [_there(path, name) for name in named]


def _there(path: Path, name: Path) -> Path:
    # `/` of an absolute path takes the place of the folder.
    for candidate in (path.parent / name, name):
        if candidate.is_file():
            return candidate
    raise FileError.of(path, f"names {name}, which is not there")


def pictures_in(place: str | Path) -> list[Path]:
    """The pictures of a folder by name, or of a list in its order."""
    return listed_files(place) if is_path_list(place) else photographs(Path(place))
