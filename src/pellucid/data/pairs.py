"""Pairs of degraded and clean files: the layouts of published sets, lists, and any two folders."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from pellucid.data.photos import SUFFIXES, photographs
from pellucid.errors import FileError
from pellucid.io import read_picture


class Pair(NamedTuple):
    """Two files of one scene."""

    name: str
    input: Path
    target: Path


def scene_of(name: str) -> str:
    """A pair's scene as PolyU says it: the name without its last number, where a name is left."""
    return re.sub(r"[\W_]*\d+$", "", name) or name


@dataclass(frozen=True)
class Layout:
    """Where a set keeps its files, as patterns relative to its folder, without their endings.

    What the stars of both stand for makes a pair. A target with fewer stars, as Levin's, is that of
    every input which begins alike.
    """

    input: str
    target: str
    scene: Callable[[str], str] = scene_of
    """Of a pair's name."""

    def pairs(self, folder: str | Path) -> list[Pair]:
        """The pairs of a folder; raises `FileError` where it has none, or a target is missing."""
        folder = Path(folder)
        if not folder.is_dir():
            raise FileError.of(folder, "no such folder; expected one of pictures")
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        inputs, targets = (_matches(files, folder, each) for each in (self.input, self.target))
        if not inputs:
            raise FileError.of(folder, f"holds no picture {self.input}")
        stars = self.target.count("*")
        lonely = [path for key, path in inputs.items() if key[:stars] not in targets]
        if lonely:
            raise FileError.of(folder, f"lacks {self.target} of {_names(lonely)}")
        pairs = [Pair("/".join(k), path, targets[k[:stars]]) for k, path in inputs.items()]
        return sorted(pairs, key=lambda pair: natural(pair.name))


def _matches(files: list[Path], folder: Path, pattern: str) -> dict[tuple[str, ...], Path]:
    """The files of a pattern, by what its stars stand for."""
    words = "([^/]*)".join(map(re.escape, pattern.split("*")))
    found: dict[tuple[str, ...], Path] = {}
    for path in files:
        match = re.fullmatch(words, path.relative_to(folder).with_suffix("").as_posix())
        if match and match.groups() in found:
            other = found[match.groups()].name
            raise FileError.of(path, f"is the same picture as {other}; expected one of them")
        if match:
            found[match.groups()] = path
    return found


def _names(lonely: Sequence[Path]) -> str:
    more = f" and {len(lonely) - 1} more" if len(lonely) > 1 else ""
    return f"{lonely[0].name}{more}; expected pairs by name"


LayoutName = Literal[
    "rain13k", "rain100h", "real_rain", "gopro", "realblur", "sidd", "polyu", "levin"
]
LAYOUTS: dict[LayoutName, Layout] = {
    "rain13k": Layout("input/*", "target/*"),
    "rain100h": Layout("inputcrop/*", "cleancrop/*"),
    "real_rain": Layout("input_val/input*", "label_val/norain*"),
    "gopro": Layout("*/blur/*", "*/sharp/*"),
    "realblur": Layout("*/blur/blur_*", "*/gt/gt_*"),
    "sidd": Layout("*/*NOISY_SRGB_*", "*/*GT_SRGB_*", lambda name: name.split("_")[1]),
    "polyu": Layout("*_real", "*_mean"),
    "levin": Layout("im*_kernel*_img", "gt/im*"),
}
"""The sets as their authors lay them out; `rain13k` is Restormer's layout of other sets too. SPA's
training set and RealBlur's halves are `listed_pairs`."""


def listed_pairs(
    list_file: str | Path, folder: str | Path, first: Literal["input", "target"]
) -> list[Pair]:
    """The pairs of a list, two paths a line: SPA names inputs first, RealBlur targets.

    Raises `FileError` where a line names no two files that are there.
    """
    list_file, folder = Path(list_file), Path(folder)
    try:
        lines = list_file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError.of(
            list_file, f"cannot be read ({error}); expected two paths a line"
        ) from None
    pairs = [_listed(list_file, folder, line, first) for line in lines if line.strip()]
    if not pairs:
        raise FileError.of(list_file, "names nothing; expected two paths a line")
    return pairs


def _listed(list_file: Path, folder: Path, line: str, first: str) -> Pair:
    words = line.split()
    if len(words) < 2:
        raise FileError.of(list_file, f"line '{line}' names no pair; expected two paths")
    # SPA's paths begin with a slash.
    one, other = (folder / word.lstrip("/") for word in words[:2])
    for path in (one, other):
        if not path.is_file():
            raise FileError.of(list_file, f"names {path}, which is not there")
    pair = (one, other) if first == "input" else (other, one)
    return Pair(pair[0].relative_to(folder).with_suffix("").as_posix(), *pair)


def folder_pairs(inputs: str | Path, targets: str | Path) -> list[Pair]:
    """Pairs of two folders by name; by order, numbers as numbers, where no name is in both.

    Raises `FileError` where only some names are in both, or the counts differ.
    """
    named = [{path.stem: path for path in photographs(Path(f))} for f in (inputs, targets)]
    both = named[0].keys() & named[1].keys()
    if both:
        for one, other, folder in ((*named, targets), (*reversed(named), inputs)):
            lonely = [path for stem, path in one.items() if stem not in other]
            if lonely:
                raise FileError.of(folder, f"lacks the partner of {_names(lonely)}")
        return [Pair(stem, path, named[1][stem]) for stem, path in _ordered(named[0])]
    ordered = [_ordered(each) for each in named]
    if len(ordered[0]) != len(ordered[1]):
        counts = f"{len(ordered[0])} pictures for {len(ordered[1])} in {targets}"
        raise FileError.of(inputs, f"holds {counts}; expected the same names, or as many")
    couples = zip(*ordered, strict=True)
    return [Pair(stem, path, target) for (stem, path), (_, target) in couples]


def _ordered(named: dict[str, Path]) -> list[tuple[str, Path]]:
    return sorted(named.items(), key=lambda item: natural(item[0]))


def natural(name: str) -> list[tuple[int, str]]:
    """Key that sorts a2 before a10."""
    pieces = re.findall(r"\d+|\D+", name)
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in pieces]


def read_pair(pair: Pair) -> tuple[Tensor, Tensor]:
    """Input and target (3, H, W) in [0, 1]; raises `FileError` where their sizes differ."""
    pictures = read_picture(pair.input), read_picture(pair.target)
    sizes = [f"{picture.shape[-2]}x{picture.shape[-1]}" for picture in pictures]
    if sizes[0] != sizes[1]:
        raise FileError.of(pair.input, f"is {sizes[0]}; expected {sizes[1]} as {pair.target.name}")
    return pictures


def refuse_two_sizes(pair: Pair) -> None:
    """Raise `FileError` where the heads of a pair's files tell two sizes; nothing is decoded."""
    sides = head_sides(pair.input), head_sides(pair.target)
    if None not in sides and sides[0] != sides[1]:
        got, expected = ("x".join(map(str, each or ())) for each in sides)
        raise FileError.of(
            pair.input, f"has sides {got}; expected {expected} as {pair.target.name}"
        )


def head_sides(path: Path) -> tuple[int, int] | None:
    """The shorter and the longer side of a picture, for EXIF may turn it; None if its head is odd.

    What cannot be read, and 16-bit TIFF, is left to who decodes it.
    """
    try:
        with Image.open(path) as picture:
            short, long = sorted(picture.size)
            return short, long
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


# -- scenes ----------------------------------------------------------------------------------------


def split_by_scene(
    pairs: Sequence[Pair], share: float, seed: int = 0, scene: Callable[[str], str] = scene_of
) -> tuple[list[Pair], list[Pair]]:
    """Kept and held-out pairs: whole scenes, drawn until so large a share is held out."""
    scenes = sorted({scene(pair.name) for pair in pairs})
    order: list[int] = torch.randperm(
        len(scenes), generator=torch.Generator().manual_seed(seed)
    ).tolist()
    held: set[str] = set()
    for number in order:
        if sum(scene(pair.name) in held for pair in pairs) >= share * len(pairs):
            break
        held.add(scenes[number])
    return (
        [pair for pair in pairs if scene(pair.name) not in held],
        [pair for pair in pairs if scene(pair.name) in held],
    )
