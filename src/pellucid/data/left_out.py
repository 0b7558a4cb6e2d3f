"""Names of files that must not be seen, checked for slips."""

import re
from collections.abc import Collection
from pathlib import Path

from pellucid.errors import FileError


def refuse_misspelt(folder: Path, left_out: Collection[str], names: Collection[str]) -> None:
    """Raise `FileError` where a file is named with another ending, case, folder or zeros.

    It would be seen. What no file is like may well not be there: recipes leave out the sample
    picture, which few folders have.
    """
    known = {_spelling(name): name for name in names}
    for name in sorted(set(left_out) - set(names)):
        near = known.get(_spelling(name))
        if near is not None and near not in left_out:
            raise FileError.of(
                folder, f"leave_out has {name}, which is not there; the nearest name is {near}"
            )


def _spelling(name: str) -> str:
    return re.sub(r"0*(\d+)", r"\1", Path(name).stem.casefold())
