"""Sets of files as a recipe names them: pairs by layout, list or folders, and pictures for real."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor

from pellucid.data.degradations import Degradation
from pellucid.data.licences import by_licence, licences_within
from pellucid.data.pairs import (
    LAYOUTS,
    LayoutName,
    Pair,
    folder_pairs,
    listed_pairs,
    scene_of,
    split_by_scene,
)
from pellucid.data.photos import photo_source
from pellucid.data.pictures import Pictures
from pellucid.data.unpaired import Draw, PatchStream, PicturePatches, SyntheticPairs
from pellucid.errors import PellucidError
from pellucid.records import refuse_unknown_choices

Licences = dict[str, list[str]]


@dataclass(frozen=True)
class Scenes:
    """Some scenes of a set, so that those which are left judge what was learned of these."""

    part: Literal["kept", "held_out"] = "kept"
    share: float = 0.5
    """Of the pairs that are held out, in whole scenes."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the choices."""
        refuse_unknown_choices(self)


class FileSet(ABC):
    """Pairs of files, whose inputs alone can serve as real pictures."""

    scenes: Scenes | None

    @abstractmethod
    def all_pairs(self) -> list[Pair]:
        """Every pair; raises `FileError` where there is none."""

    def pairs(self) -> list[Pair]:
        """Those of the scenes that are asked for."""
        pairs = self.all_pairs()
        if self.scenes is None:
            return pairs
        part, share = self.scenes.part, self.scenes.share
        kept, held = split_by_scene(pairs, share, self.scenes.seed, self.scene_of)
        asked = kept if part == "kept" else held
        if not asked:
            got = f"scenes: {{part: {part}, share: {share}}} leaves none of {len(pairs)} pairs"
            raise PellucidError(f"{got}; expected another share")
        return asked

    def scene_of(self, name: str) -> str:
        """A pair's scene by its name."""
        return scene_of(name)

    def stream(self) -> PatchStream:
        """Patches of the inputs."""
        return PicturePatches(Pictures.of_files([pair.input for pair in self.pairs()]))

    def licences(self) -> Licences:
        """What `LICENSES.json` states of inputs and targets, in their own folders or above."""
        stated = licences_within(self.root)
        files = (path for pair in self.pairs() for path in (pair.input, pair.target))
        return by_licence((path.name, stated(path)) for path in files)

    @property
    def root(self) -> Path | None:
        """The folder of the whole set, whose licences hold for what lies deeper."""
        return None


@dataclass(frozen=True)
class LayoutSet(FileSet):
    """A published set as its authors lay it out."""

    folder: Path
    layout: LayoutName
    scenes: Scenes | None = None
    kind: Literal["layout"] = "layout"

    @property
    def root(self) -> Path:
        """The set's."""
        return Path(self.folder)

    def all_pairs(self) -> list[Pair]:
        """The layout's pairs."""
        return LAYOUTS[self.layout].pairs(self.folder)

    def scene_of(self, name: str) -> str:
        """A pair's scene by its name, as the set's authors name them."""
        return LAYOUTS[self.layout].scene(name)


@dataclass(frozen=True)
class ListedSet(FileSet):
    """A list of two paths a line: SPA's and RealBlur's."""

    list_file: Path
    folder: Path
    first: Literal["input", "target"] = "input"
    scenes: Scenes | None = None
    kind: Literal["list"] = "list"

    def __post_init__(self) -> None:
        """Check the choices."""
        refuse_unknown_choices(self)

    @property
    def root(self) -> Path:
        """That which the list's paths count from."""
        return Path(self.folder)

    def all_pairs(self) -> list[Pair]:
        """The listed pairs."""
        return listed_pairs(self.list_file, self.folder, self.first)


@dataclass(frozen=True)
class FolderSet(FileSet):
    """Two folders, files matched by name or by order."""

    inputs: Path
    targets: Path
    scenes: Scenes | None = None
    kind: Literal["folders"] = "folders"

    def all_pairs(self) -> list[Pair]:
        """Their pairs."""
        return folder_pairs(self.inputs, self.targets)


PairSet = LayoutSet | ListedSet | FolderSet
"""Pairs of files; its `kind` tells which."""
PAIR_SETS: dict[str, type[PairSet]] = {
    "layout": LayoutSet,
    "list": ListedSet,
    "folders": FolderSet,
}


@dataclass(frozen=True)
class PictureSet:
    """Pictures of one folder, or of a packed store, with no truth."""

    folder: Path
    leave_out: tuple[str, ...] = ()
    upright: bool = False
    """Turn no picture, only mirror it: rain falls down."""
    kind: Literal["folder"] = "folder"

    def pictures(self) -> Pictures:
        """The pictures; raises `FileError` if there are none."""
        return Pictures.of_folder(self.folder, self.leave_out)

    def stream(self) -> PatchStream:
        """Patches of them."""
        return PicturePatches(self.pictures(), self.upright)

    def licences(self) -> Licences:
        """Each licence and the pictures under it."""
        return self.pictures().licences()


@dataclass(frozen=True)
class SimulatedSet:
    """Photographs with a degradation of their own: a target whose truth somebody knows."""

    photos: Path
    degradation: Degradation
    leave_out: tuple[str, ...] = ()
    kind: Literal["simulated"] = "simulated"

    def stream(self) -> PatchStream:
        """Degraded patches; the truth stays behind."""
        source = photo_source(self.photos, self.leave_out)
        return WithoutTruth(SyntheticPairs(source, self.degradation))

    def licences(self) -> Licences:
        """Each licence and the photographs under it."""
        return photo_source(self.photos, self.leave_out).licences()


@dataclass(frozen=True)
class WithoutTruth:
    """The degraded half of synthetic pairs."""

    pairs: SyntheticPairs

    def check(self, size: int) -> None:
        """Raise `FileError` where a file is too small for a patch and what shows in it."""
        self.pairs.check(size)

    def patch(self, size: int, draw: Draw) -> Tensor:
        """A degraded patch."""
        return self.pairs.patches(size, draw).input


RealSet = PictureSet | SimulatedSet | LayoutSet | ListedSet | FolderSet
"""Real pictures without truth; its `kind` tells which."""
REAL_SETS: dict[str, type[RealSet]] = {
    "folder": PictureSet,
    "simulated": SimulatedSet,
    **PAIR_SETS,
}
