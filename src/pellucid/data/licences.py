"""The licences of photographs: what a folder states, and how a model card lists them."""

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from pellucid.errors import FileError

LICENCES = "LICENSES.json"
NOT_STATED = "not stated"


def stated_licences(folder: Path, otherwise: str | None = None) -> Callable[[str], str]:
    """The licence of a file by its name, from the folder's `LICENSES.json` and what is given.

    The file maps names to licences, and `*` to that of all other files.
    """
    path = folder / LICENCES
    try:
        said: object = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise FileError.of(path, f"cannot be read as JSON: {error}") from error
    if not isinstance(said, dict):
        raise FileError.of(
            path, 'expected an object such as {"a.jpg": "CC0-1.0", "*": "CC-BY-4.0"}'
        )
    stated = {str(name): str(licence) for name, licence in said.items()}  # pyright: ignore
    rest = otherwise or stated.get("*", NOT_STATED)
    return lambda name: stated.get(name, rest)


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
