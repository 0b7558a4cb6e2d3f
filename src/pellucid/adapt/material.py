"""The material of an adaptation: a user's noisy files, divided, and clean pictures beside them."""

from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from pellucid.adapt.files import Kind, divide, files_of, gather_pictures, gather_raws
from pellucid.adapt.options import AdaptOptions
from pellucid.adapt.raw_levels import measured_noise
from pellucid.adapt.streams import NoisyPictures, NoisyRaws, noise_of_picture, textures_of
from pellucid.data.dead_leaves import DeadLeaves
from pellucid.data.mixtures import Mixture
from pellucid.data.photos import Photographs, photo_source, reduced
from pellucid.data.sources import WeightedSource
from pellucid.errors import FileError
from pellucid.training.real_raws import Shot

Say = Callable[[str], object]
Warn = Callable[[FileError], object]
SAMPLE = "seeding.jpg"


class Material(NamedTuple):
    """The user's files, ready to be adapted to and judged by."""

    kept: NoisyRaws | NoisyPictures
    held: NoisyRaws | NoisyPictures
    level: float
    """Of the noise: standard deviation of pictures, or in units of what raws have."""
    words: str


def gather(options: AdaptOptions, kind: Kind, say: Say, warn: Warn) -> Material:
    """Read, report, divide, and measure the noise."""
    paths, seed = files_of(options.real, kind), options.seed
    if kind == "raws":
        raws = gather_raws(paths, options.camera, warn)
        report(raws.cameras, len(raws.items), options.camera, say)
        return of_raws(raws.items, seed, say)
    pictures = gather_pictures(paths, options.camera, warn)
    report(pictures.cameras, len(pictures.items), options.camera, say)
    parts = divide(pictures.items, seed)
    say(parts.words)
    noises = [[noise_of_picture(file, seed) for file in part] for part in (parts.kept, parts.held)]
    kept, held = map(NoisyPictures, (parts.kept, parts.held), noises)
    level = fmean(noise.level for part in noises for noise in part)
    return Material(kept, held, level, f"real: {len(pictures.items)} pictures")


def of_raws(shots: list[Shot], seed: int, say: Say) -> Material:
    """Raws, divided; their noise is what all of them show."""
    parts = divide(shots, seed)
    say(parts.words)
    noises, cut = measured_noise([*parts.kept, *parts.held], seed), len(parts.kept)
    textures = textures_of(parts.kept, noises[:cut], seed)
    kept = NoisyRaws(parts.kept, noises[:cut], textures)
    held = NoisyRaws(parts.held, noises[cut:], textures)
    return Material(kept, held, textures.level, f"real: {len(shots)} raws")


def report(cameras: dict[str, int], used: int, camera: str | None, say: Say) -> None:
    """Say whose files they are."""
    named = ", ".join(f"{name} ({count})" for name, count in cameras.items())
    say(f"{used} file{'s' * (used != 1)} of {named}")
    if len(cameras) > 1 and camera is None:
        say("adapting to all of these cameras at once; --camera NAME takes the files of one")


def clean_sources(photos: Path | None, say: Say) -> tuple[Mixture, list[object]]:
    """Photographs and dead leaves, and those of them that have licences."""
    if photos is not None:
        read = photo_source(photos)
        return mixture(read, 0.85), [read]
    say("clean pictures: dead leaves and the one photograph in the package (CC0); --photos DIR")
    with as_file(files("pellucid") / "samples" / SAMPLE) as path:
        packaged = Photographs([SAMPLE], [reduced(path, 2)])
    return mixture(packaged, 0.5), [PackagedLicence()]


def mixture(photos: Photographs, share: float) -> Mixture:
    """Photographs, and dead leaves for the rest."""
    return Mixture([WeightedSource(photos, share), WeightedSource(DeadLeaves(), 1 - share)])


class PackagedLicence:
    """The licence of the photograph in the package."""

    def licences(self) -> dict[str, list[str]]:
        """CC0."""
        return {"CC0-1.0": [SAMPLE]}
