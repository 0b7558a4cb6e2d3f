"""The leaderboard's tables of pictures: which ones, which rows, and the command of each row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import rivals
from classical import bm3d_filter
from gaussian import cbm3d, noisy_of
from torch import Tensor

from pellucid import read_picture
from pellucid.benchmarks.benchmark import Benchmark, Item, Model, Sample
from pellucid.benchmarks.blur import blur_benchmark
from pellucid.benchmarks.models import INPUT, PictureModel, fingerprint
from pellucid.benchmarks.pairs import benchmark_of_pairs
from pellucid.benchmarks.polyu import polyu_benchmark
from pellucid.benchmarks.rain import rain_benchmark
from pellucid.benchmarks.running import each, untouched
from pellucid.benchmarks.summary import Row
from pellucid.data.photos import photographs
from pellucid.data.picture_sets import Scenes
from pellucid.metrics import Needs, Protocol

SIGMA = 25
TRAINED_ON = 60
"""Rain100H's pairs that are left to experiments."""
BM3D = "BM3D is its authors' (bm3d, non-commercial use only)"


@dataclass(frozen=True)
class Entry:
    """A row: how anyone makes it, and how it is made here."""

    command: str
    load: Callable[[], tuple[Model[Any, Tensor], str]]
    """The model and what tells it from others; raises PellucidError where something is missing."""


@dataclass(frozen=True)
class Table:
    """One benchmark with its rows."""

    title: str
    benchmark: Benchmark[Any, Tensor]
    split: str
    entries: Mapping[str, Entry]
    notes: Sequence[str] = ()
    finished: Sequence[Row] = ()
    """Rows that are known from elsewhere, `input` among them: they count where it agrees."""
    finished_in: str = ""
    """The name of their file."""


def gaussian_table(photos: Path, limit: int | None, also: Sequence[str]) -> Table:
    """White noise of one level, of benchmarks/gaussian.py."""
    paths = photographs(photos)
    items = [Item(path.name, partial(_noisy, path)) for path in paths[:limit]]
    benchmark = benchmark_of_pairs(
        "gaussian",
        items,
        Protocol(),
        ("psnr", "ssim"),
        Needs(),
        "Gaussian noise, rounded to 8 bits, seeded by the picture's name",
        {"data": str(photos), "sigma": SIGMA},
    )
    command = f"python benchmarks/gaussian.py --photos {photos.name} --sigma {SIGMA}"
    command += f" --limit {limit}" if limit else ""
    entries = picture_entries(["denoise", *also], f"{command} --model ")
    entries["cbm3d"] = Entry(command, _cbm3d)
    entries |= picture_rivals("kodak", photos, limit, SIGMA, SIGMA)
    split = f"{first_of(limit, len(paths))} pictures of {photos.name}, sigma {SIGMA} of 255"
    notes = (f"`denoise` is told no level, all other rows are told sigma. {BM3D}.",)
    return Table("Gaussian noise", benchmark, split, entries, notes)


def _noisy(path: Path) -> Sample[Tensor]:
    clean = read_picture(path)
    return Sample(noisy_of(clean, path.name, SIGMA), clean)


def _cbm3d() -> tuple[Model[Tensor, Tensor], str]:
    bm3d_filter()  # says what to install
    return each(cbm3d(SIGMA)), f"bm3d {version('bm3d')}"


def polyu_table(data: Path, limit: int | None, also: Sequence[str]) -> Table:
    """Real noise of cameras' own pictures."""
    benchmark = polyu_benchmark(data, Scenes("held_out"))
    whole, benchmark = len(benchmark.items), part_of(benchmark, limit)
    command = f"pellucid evaluate polyu --data {data.name}{_limit(limit)} --model "
    entries = picture_entries(["denoise", *also], command)
    nlm, wavelets = rivals.POLYU_NLM, rivals.POLYU_WAVELETS
    entries |= picture_rivals("polyu", data, limit, nlm, wavelets)
    notes = (
        "`denoise` is told no level. The others are told the level that is best on the scenes "
        f"that are not scored ({nlm:g} and {wavelets:g} of 255; `python benchmarks/rivals.py "
        f"--photos PHOTOS --polyu {data.name}`): scikit-image's estimate_sigma takes this smooth "
        "noise for a tenth of what it is. `default` restores raws and has no row.",
    )
    split = f"{first_of(limit, whole)} pairs of the held-out half of PolyU's scenes, seed 0"
    return Table("Real noise: PolyU", benchmark, split, entries, notes)


def rain_table(data: Path, limit: int | None, also: Sequence[str]) -> Table:
    """Synthetic rain, the pairs that experiments never see."""
    benchmark = part_of(rain_benchmark(data), None, TRAINED_ON)
    whole, benchmark = len(benchmark.items), part_of(benchmark, limit)
    command = f"pellucid evaluate rain --data {data.name} --skip {TRAINED_ON}{_limit(limit)}"
    entries = picture_entries(["derain", *also], f"{command} --model ")
    split = f"{first_of(limit, whole)} pairs of Rain100H from pair {TRAINED_ON + 1} on"
    return Table("Rain: Rain100H", benchmark, split, entries)


def blur_table(data: Path, limit: int | None, also: Sequence[str]) -> Table:
    """Real camera shake."""
    benchmark = blur_benchmark(data, "levin")
    whole, benchmark = len(benchmark.items), part_of(benchmark, limit)
    command = f"pellucid evaluate blur --data {data.name}{_limit(limit)} --model "
    entries = picture_entries(["deblur", *also], command)
    split = f"{first_of(limit, whole)} pairs of Levin's, 4 pictures under 8 kernels"
    return Table("Blur: Levin", benchmark, split, entries)


def part_of(
    benchmark: Benchmark[Any, Tensor], limit: int | None, skip: int = 0
) -> Benchmark[Any, Tensor]:
    """Some of its items."""
    return replace(benchmark, items=benchmark.items[skip:][:limit])


def picture_entries(names: Sequence[str], command: str) -> dict[str, Entry]:
    """The input, and models of pictures by name; the command wants a name at its end."""
    bare = command.removesuffix(" --model ")
    first = bare if not names else command + names[0]
    entries = {INPUT: Entry(first, lambda: (untouched, INPUT))}
    return entries | {n: Entry(command + n, partial(_picture_model, n)) for n in names}


def _picture_model(name: str) -> tuple[Model[Tensor, Tensor], str]:
    return PictureModel(name), fingerprint(name)


def picture_rivals(
    option: str, data: Path, limit: int | None, nlm: float, wavelets: float
) -> dict[str, Entry]:
    """Non-local means and wavelets, told levels of 255."""

    def by_nlm() -> tuple[Model[Tensor, Tensor], str]:
        return each(partial(rivals.nlm, sigma=nlm / 255)), nlm_version(
            nlm, rivals.LUMA, rivals.COLOUR
        )

    def by_wavelets() -> tuple[Model[Tensor, Tensor], str]:
        return each(partial(rivals.wavelets, sigma=wavelets / 255)), wavelets_version(wavelets)

    loads = {"nlm": by_nlm, "wavelets": by_wavelets}
    return {n: Entry(own_command(option, data, n, limit), load) for n, load in loads.items()}


def nlm_version(*strengths: float) -> str:
    """What tells non-local means from others."""
    return f"OpenCV {rivals.opencv().__version__} {strengths}"


def wavelets_version(*strengths: float) -> str:
    """What tells wavelets from others."""
    return f"scikit-image {rivals.scikit_image().__version__} {(rivals.SHIFTS, *strengths)}"


def own_command(option: str, data: Path, row: str, limit: int | None) -> str:
    """The command of a row that only the leaderboard makes."""
    given = f"--{option} {data.name}{_limit(limit)}"
    return f"python benchmarks/leaderboard.py {given} --rows {row} --out DIR"


def _limit(limit: int | None) -> str:
    return f" --limit {limit}" if limit else ""


def first_of(limit: int | None, whole: int) -> str:
    """How many items, in words."""
    return f"All {whole}" if limit is None or limit >= whole else f"The first {limit} of {whole}"
