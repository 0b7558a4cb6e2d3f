"""Noisy patches of a user's files with noise like theirs, and clean ones under the same noise."""
# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.utils.data import Dataset

from pellucid.adapt.files import PictureFile
from pellucid.adapt.noise_texture import LAST, NoiseTexture, Patches, calm, clips, smooth
from pellucid.adapt.raw_levels import SIDE, looks_at
from pellucid.adapt.recorrupted import (
    AROUND,
    NoisyPicture,
    NoisyRaw,
    raw_deviation,
    raw_grain,
    read_share,
)
from pellucid.bayer import pack
from pellucid.data.lens import Lens
from pellucid.data.mixtures import Mixture
from pellucid.data.pictures import corner, cut
from pellucid.data.synthesis import RawSynthesis, Sample, colour_of, generator_of, turned
from pellucid.data.unpaired import Draw
from pellucid.noise_laws import any_of, log_uniform
from pellucid.planes import local_mean
from pellucid.raw import Noise
from pellucid.training.real_raws import RealRaws, Shot

TRIED, FLAT, EACH = 96, 24, 4
"""Patches of a picture that are looked at, those that make a texture of raws, and of a picture."""
NOISE_ALONE = 1.25
"""Standard deviation of raws' calmest patches, over that of their noise, up to which they show
nothing else."""
STRENGTH = (0.6, 1.6)
"""Of synthetic noise, as a factor of its variance: no level is measured quite right."""
GRAIN, LEVEL = 11, 12
"""Tell chances of one sample from one another."""
SEEN = RawSynthesis(lens=Lens())
"""How clean pictures become raws, so that adapting unlearns nothing of real lenses."""
SHADES, CORNER = 3, 16
"""Brightnesses at which noise is measured, and pixels a side that it takes in pictures."""


class RawPair(NamedTuple):
    """A synthetic sample, and a real raw that knows nothing of it."""

    synthetic: Sample
    real: NoisyRaw


class PicturePair(NamedTuple):
    """A synthetic pair (3, size, size), and a real picture that knows nothing of it."""

    degraded: Tensor
    clean: Tensor
    real: NoisyPicture


@dataclass(frozen=True)
class OwnNoise(Dataset[tuple[NoisyRaw | NoisyPicture]]):
    """Real samples alone; sample n is that of the pairs."""

    real: "NoisyRaws | NoisyPictures"
    size: int
    seed: int

    def __getitem__(self, n: int) -> tuple[NoisyRaw | NoisyPicture]:
        """Sample n."""
        return (self.real.patch(self.size, Draw(self.seed, "real", n)),)


# -- raws ------------------------------------------------------------------------------------------


class RawTextures(NamedTuple):
    """The noise that raws have, in units of what each has, in shades from light to dark."""

    textures: list[NoiseTexture]
    shades: Tensor
    """(K,): mean share of read noise in the patches of each texture, ascending."""

    @property
    def level(self) -> float:
        """Standard deviation, 1 where that of the raws is right."""
        return fmean(texture.level for texture in self.textures)

    def sample(self, size: int, generator: Generator) -> Tensor:
        """One of each (K, 4, size / 2, size / 2)."""
        side = size // 2
        return torch.stack([each.sample(generator)[:, :side, :side] for each in self.textures])


def textures_of(shots: Sequence[Shot], noises: Sequence[Noise], seed: int) -> RawTextures:
    """What the calmest patches of each shade show."""
    found: list[Patches] = []
    shares: list[Tensor] = []
    for number, (shot, own) in enumerate(zip(shots, noises, strict=True)):
        mosaics = looks_at(shot, seed + number, len(shots))
        noise = Noise(*(level.expand(len(mosaics), 3) for level in own))
        found.append(calm(pack(mosaics), raw_deviation(mosaics, noise)))
        shares.append(read_share(local_mean(pack(mosaics), AROUND), noise).mean((1, 2, 3)))
    patches, share = Patches(*map(torch.cat, zip(*found, strict=True))), torch.cat(shares)
    whole = (patches.score < LAST).nonzero()[:, 0]
    whole = whole if len(whole) >= SHADES * FLAT else patches.score.argsort()[: SHADES * FLAT]
    seen: list[tuple[float, NoiseTexture]] = []
    for part in whole[share[whole].argsort()].tensor_split(SHADES):
        calmest = part[patches.score[part].argsort()[:FLAT]]
        seen.append((share[calmest].mean().item(), NoiseTexture(patches.noise[calmest])))
    # What is much stronger than their noise is no noise, but something to be seen.
    calmest_level = min(texture.level for _, texture in seen)
    seen = [each for each in seen if each[1].level <= max(NOISE_ALONE, calmest_level)]
    seen.sort(key=lambda each: each[0])
    return RawTextures([each for _, each in seen], torch.tensor([shade for shade, _ in seen]))


@dataclass(frozen=True)
class NoisyRaws:
    """Patches of raws beside noise like theirs."""

    shots: Sequence[Shot]
    noises: Sequence[Noise]
    """Of each, as it is; not what it is told."""
    textures: RawTextures

    @property
    def names(self) -> list[str]:
        """Of the files."""
        return [shot.name for shot in self.shots]

    def patch(self, size: int, draw: Draw) -> NoisyRaw:
        """The patch of a draw."""
        raw = RealRaws(self.shots).patch(size, draw)
        own = self.noises[draw.which(len(self.shots))]
        drawn = self.textures.sample(size, generator_of(draw.seed, GRAIN, draw.n))
        return NoisyRaw(*raw, own, drawn, self.textures.shades)


@dataclass(frozen=True)
class RawPairs(Dataset[RawPair]):
    """Synthetic raws under the noise of real ones; sample n is a pure function of (seed, n)."""

    clean: Mixture
    real: NoisyRaws
    size: int
    seed: int

    def __getitem__(self, n: int) -> RawPair:
        """Sample n."""
        real = self.real.patch(self.size, Draw(self.seed, "real", n))
        return RawPair(self.synthetic(n), real)

    def synthetic(self, n: int) -> Sample:
        """A clean patch as a camera saw it, with the noise of one of the raws, about.

        The network is told of it what it is told of that raw, which may be wrong.
        """
        generator = generator_of(self.seed, LEVEL, n)
        picture = self.clean.patch(self.size, generator)
        raw = SEEN.unrendered(picture, generator)
        which = any_of(range(len(self.real.shots)), generator)
        strength = log_uniform(*STRENGTH, generator)
        told, own = (
            Noise(*(level * strength for level in noise))
            for noise in (self.real.shots[which].noise, self.real.noises[which])
        )
        textures = self.real.textures
        drawn = textures.sample(raw.mosaic.shape[-1], generator)
        noisy = raw.mosaic + raw_grain(drawn, textures.shades, raw.mosaic, own)
        known = raw.mosaic, raw.camera, told, raw.rendering, colour_of(raw)
        return Sample(noisy.clamp(max=1), *known)


# -- pictures --------------------------------------------------------------------------------------


class Shades(NamedTuple):
    """The noise of pictures by their brightness, between which it is interpolated."""

    values: Tensor
    deviations: Tensor

    def at(self, planes: Tensor) -> Tensor:
        """Standard deviation at each value."""
        right = torch.bucketize(planes.contiguous(), self.values).clamp(1, SHADES - 1)
        low, high = self.values[right - 1], self.values[right]
        share = ((planes - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)
        return torch.lerp(self.deviations[right - 1], self.deviations[right], share)


class PictureNoise(NamedTuple):
    """The noise of a picture."""

    shades: Shades
    texture: NoiseTexture

    @property
    def level(self) -> float:
        """Mean standard deviation in display values."""
        return self.texture.level * self.shades.deviations.mean().item()


def noise_of_picture(file: PictureFile, seed: int) -> PictureNoise:
    """As strong as in its calmest corners, and like its calmest patches."""
    tried = torch.stack([_patch(file, SIDE, Draw(seed, "real", n)) for n in range(TRIED)])
    shades = shades_of(tried)
    deviation = shades.at(smooth(tried)).clamp(min=1e-5)
    texture = NoiseTexture(calm(tried, deviation).best(EACH).noise)
    # What is stronger than in the calmest corners is no noise, but something to be seen.
    return PictureNoise(shades, NoiseTexture(texture.patches / max(1.0, texture.level)))


def shades_of(patches: Tensor) -> Shades:
    """The least noise of dark, middling and bright corners of patches (N, 3, n, n)."""
    corners = patches.unfold(-2, CORNER, CORNER).unfold(-2, CORNER, CORNER)
    corners = corners.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
    order = corners.mean((1, 2, 3)).argsort()
    values: list[Tensor] = []
    deviations: list[Tensor] = []
    for part in corners[order].tensor_split(SHADES):
        spread = (part - smooth(part)).square().mean((1, 2, 3))
        calmest = (spread + LAST * clips(part)).argsort()[: max(1, len(part) // 50)]
        values.append(part[calmest].mean())
        deviations.append(spread[calmest].mean().sqrt())
    return Shades(torch.stack(values), torch.stack(deviations))


def _patch(file: PictureFile, size: int, draw: Draw) -> Tensor:
    return cut(file.pixels, corner(file.pixels.shape, size, draw.generator()), size)


@dataclass(frozen=True)
class NoisyPictures:
    """Patches of pictures beside noise like theirs."""

    files: Sequence[PictureFile]
    noises: Sequence[PictureNoise]

    @property
    def names(self) -> list[str]:
        """Of the files."""
        return [file.name for file in self.files]

    def patch(self, size: int, draw: Draw) -> NoisyPicture:
        """The patch of a draw."""
        which, generator = draw.which(len(self.files)), draw.generator()
        pixels = self.files[which].pixels
        picture = cut(pixels, corner(pixels.shape, size, generator), size)
        if torch.rand((), generator=generator).item() < 0.5:
            picture = picture.flip(-1)
        return NoisyPicture(picture, grain_of(self.noises[which], picture, draw.seed, draw.n))


def grain_of(noise: PictureNoise, picture: Tensor, seed: int, n: int) -> Tensor:
    """Noise like a picture's own, on a picture (3, H, W)."""
    drawn = noise.texture.sample(generator_of(seed, GRAIN, n))
    deviation = noise.shades.at(local_mean(picture, AROUND))
    return drawn[:, : picture.shape[1], : picture.shape[2]] * deviation


@dataclass(frozen=True)
class PicturePairs(Dataset[PicturePair]):
    """Clean pictures under the noise of real ones; sample n is a pure function of (seed, n)."""

    clean: Mixture
    real: NoisyPictures
    size: int
    seed: int

    def __getitem__(self, n: int) -> PicturePair:
        """Sample n."""
        generator = generator_of(self.seed, LEVEL, n)
        clean = turned(self.clean.patch(self.size, generator), generator)
        noise = any_of(self.real.noises, generator)
        strength = log_uniform(*STRENGTH, generator) ** 0.5
        grain = strength * grain_of(noise, clean, self.seed + 1, n)
        degraded = (clean + grain).clamp(0, 1)
        real = self.real.patch(self.size, Draw(self.seed, "real", n))
        return PicturePair(degraded, clean, real)
