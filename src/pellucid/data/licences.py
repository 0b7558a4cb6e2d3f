"""The licences of photographs: what a folder states, and how a model card lists them."""

import json
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from pellucid.errors import FileError

LICENCES = "LICENSES.json"
NOT_STATED = "not stated"


def stated_licences(folder: Path, otherwise: str | None = None) -> Callable[[str], str]:
    """The licence of a file by its name, from the folder's `LICENSES.json` and what is given.

    The file maps names to licences, and `*` to that of all other files.
    """
    stated = _read(folder)
    rest = otherwise or stated.get("*", NOT_STATED)
    return lambda name: stated.get(name, rest)


def named_without_file(folder: Path, names: Collection[str]) -> FileError | None:
    """What is wrong where a folder's `LICENSES.json` names what is not there, if anything."""
    strangers = sorted(_read(folder).keys() - {"*", *names})
    strangers = [name for name in strangers if not (folder / name).exists()]
    if not strangers:
        return None
    near = get_close_matches(strangers[0], names, 1, 0.7)
    more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
    there = f"; the nearest one is {near[0]}" if near else ""
    return FileError.of(folder / LICENCES, f"names {strangers[0]}{more}, not in the folder{there}")


def _read(folder: Path) -> dict[str, str]:
    path = folder / LICENCES
    try:
        said: object = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise FileError.of(path, f"cannot be read as JSON: {error}") from error
    if not isinstance(said, dict):
        raise FileError.of(
            path, 'expected an object such as {"a.jpg": "CC0-1.0", "*": "CC-BY-4.0"}'
        )
    return {str(name): str(licence) for name, licence in said.items()}  # pyright: ignore


def licences_within(root: Path | None) -> Callable[[Path], str]:
    """The licence of a file: as its own folder states it, else the next one above, up to `root`."""
    stated = cache(stated_licences)

    def of(path: Path) -> str:
        above = list(path.parents)
        places = above[: above.index(root) + 1] if root in above else above[:1]
        said = (stated(place)(path.name) for place in places)
        return next((licence for licence in said if licence != NOT_STATED), NOT_STATED)

    return of


def by_licence(named: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Each licence and the names under it, out of pairs of name and licence."""
    found: dict[str, list[str]] = {}
    for name, licence in named:
        found.setdefault(licence, []).append(name)
    return dict(sorted(found.items()))
