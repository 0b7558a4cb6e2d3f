"""MIT-Adobe FiveK (Bychkovsky et al. 2011), laid out as DualDn has it (Li et al. 2024).

    FOLDER/Raw/a0001-jmac_DSC1459.dng ...
    FOLDER/list_file/train_list.txt, val_list.txt, invalid_list.txt

A list names one file a line. Invalid ones are left out of everything.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pellucid.data.licences import by_licence, stated_licences
from pellucid.data.raws import Raws, decoded, raw_files
from pellucid.data.store import Store, missing_words
from pellucid.errors import FileError

Split = Literal["train", "val", "all"]


class FiveK(Raws):
    """Patches of FiveK's raws."""

    def __init__(self, folder: Path, split: Split = "train", store: Path | None = None) -> None:
        """The raws of one list, or of the whole folder; with `store`, out of their packed store.

        Without it they are decoded into memory at the start: DualDn's 200 need about 5 GB.
        """
        folder = Path(folder)
        if store is not None:
            packed = Store.open(store, "raws")
            packed = packed.only(fivek_names(folder, split, packed.names))
            super().__init__(packed.names, packed, packed.shots)
            self._licences = packed.licences()
        else:
            names = fivek_names(folder, split, present(folder))
            super().__init__(names, *decoded([folder / "Raw" / name for name in names]))
            stated = stated_licences(folder)
            self._licences = by_licence((name, stated(name)) for name in names)

    def licences(self) -> dict[str, list[str]]:
        """Each licence and the raws under it."""
        return self._licences


def is_fivek(folder: Path) -> bool:
    """Whether a folder is laid out like FiveK."""
    return (folder / "Raw").is_dir() and (folder / "list_file").is_dir()


def present(folder: Path) -> list[str]:
    """The names of the raws in FiveK's layout; raises `FileError` where it is another."""
    if not is_fivek(folder):
        raise FileError.of(folder, "is not laid out like FiveK; expected folders Raw and list_file")
    return [path.name for path in raw_files(folder / "Raw")]


def fivek_names(folder: Path, split: Split, names: Sequence[str]) -> list[str]:
    """The valid ones of a split among those there are; raises `FileError` where one is missing."""
    lists = folder / "list_file"
    invalid = listed(lists / "invalid_list.txt") if (lists / "invalid_list.txt").exists() else []
    wanted = names if split == "all" else listed(lists / f"{split}_list.txt")
    valid = sorted(set(wanted) - set(invalid))
    missing = sorted(set(valid) - set(names))
    if missing or not valid:
        reason = missing_words(missing) if missing else f"nothing valid is listed for {split}"
        raise FileError.of(folder, reason)
    return valid


def listed(path: Path) -> list[str]:
    """The files that a list names, one a line, without their folders."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError.of(path, f"cannot be read ({error}); expected names, one a line") from error
    return [Path(line.strip()).name for line in lines if line.strip()]
