"""Training samples: a clean picture, or a clean raw, becomes a clean and a noisy raw mosaic."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor
from torch.utils.data import Dataset

from pellucid.bayer import mosaic_of
from pellucid.data.cameras import random_camera
from pellucid.data.lens import Lens
from pellucid.data.sources import CleanRaw, Source, check, refuse_weightless
from pellucid.isp import ISPConfig, Rendering, to_linear, unrender_linear
from pellucid.noise import add_all_noise
from pellucid.noise_laws import MixedLaw, NoiseLaw, uniform
from pellucid.raw import Camera, Noise
from pellucid.records import refuse_not_positive


class Sample(NamedTuple):
    """One training sample, or a batch of them."""

    noisy: Tensor
    """(..., 1, H, W) RGGB."""
    clean: Tensor
    """(..., 1, H, W) RGGB."""
    camera: Camera
    noise: Noise
    """What the network is told, which is not quite what was added."""
    rendering: Rendering
    colour: Tensor
    """(..., 3, H, W) clean camera RGB, not white-balanced: what a perfect demosaicker would give.

    Of clean raws nobody knows it; it is what `ahd` gives."""


@dataclass(frozen=True)
class RawSynthesis:
    """How a clean picture becomes a sample."""

    law: NoiseLaw | None = None
    """Left out, `MixedLaw()`: jsonargparse lets recipes replace None, but no record by another."""
    jitter: float = 2.0
    """The network is told levels that are wrong by up to this factor, so that estimates will do."""
    darkest: float = 0.15
    """Pictures are dimmed, log-uniformly, to at least this share of the sensor's range."""
    lens: Lens | None = None
    """What pictures are seen through; left out, a perfect one. Clean raws had theirs."""

    def __post_init__(self) -> None:
        """Check that there is something to draw from."""
        refuse_not_positive(self, "jitter", "darkest")

    def __call__(self, clean: Tensor | CleanRaw, generator: Generator) -> Sample:
        """Sample of a picture (3, H, W) of display values, or of a clean raw."""
        raw = clean if isinstance(clean, CleanRaw) else self.unrendered(clean, generator)
        noise = (self.law or MixedLaw()).sample(generator)
        noisy = add_all_noise(raw.mosaic, noise, generator).clamp(max=1)
        told = Noise(*(level * self._error(generator) for level in noise))
        return Sample(noisy, raw.mosaic, raw.camera, told, raw.rendering, colour_of(raw))

    def unrendered(self, picture: Tensor, generator: Generator) -> CleanRaw:
        """The picture (3, H, W) as a random camera might have seen it, in one of its turns."""
        camera = random_camera(generator)
        dim = math.exp(uniform(math.log(self.darkest), 0, generator))
        exposure = dim ** -uniform(0, 1, generator)
        rendering = Rendering(exposure, uniform(0, 1, generator))
        light = unrender_linear(turned(picture, generator), camera, Rendering(1 / dim, 0.0))
        if self.lens:
            light = self.lens(light, generator)
        return CleanRaw(mosaic_of(light), camera, rendering, light)

    def _error(self, generator: Generator) -> float:
        """Factor between 1 / jitter and jitter, near 1 more often than not."""
        spread = uniform(-0.5, 0.5, generator) + uniform(-0.5, 0.5, generator)
        return self.jitter**spread


def colour_of(raw: CleanRaw) -> Tensor:
    """Camera RGB (3, H, W), not white-balanced: as it was seen, or demosaicked."""
    if raw.colour is not None:
        return raw.colour
    balanced = to_linear(raw.mosaic, raw.camera, ISPConfig("ahd"))
    return balanced / raw.camera.white_balance[[0, 1, -1], None, None]


def turned(picture: Tensor, generator: Generator) -> Tensor:
    """Picture in one of its eight flips and quarter turns."""
    which = int(torch.randint(8, (), generator=generator).item())
    picture = picture.rot90(which % 4, (-2, -1))
    return picture.flip(-1) if which >= 4 else picture


class SyntheticRaw(Dataset[Sample]):
    """Samples without end; sample n is a pure function of (seed, n)."""

    def __init__(
        self,
        sources: Sequence[Source[Tensor | CleanRaw]],
        weights: Sequence[float],
        synthesis: RawSynthesis,
        size: int,
        seed: int,
    ) -> None:
        """Each source is drawn in proportion to its weight; `size` is a patch's side in pixels.

        Raises `FileError` where a file is too small for that.
        """
        if len(sources) != len(weights) or size % 2:
            raise ValueError(
                f"got {len(sources)} sources, {len(weights)} weights and size {size}; "
                "expected as many weights as sources and an even size"
            )
        refuse_weightless("sources", weights)
        for source, weight in zip(sources, weights, strict=True):
            if weight:
                check(source, size)
        self.sources, self.synthesis, self.size, self.seed = sources, synthesis, size, seed
        self.weights = torch.tensor(list(weights))

    def __getitem__(self, n: int) -> Sample:
        """Sample n."""
        generator = generator_of(self.seed, n)
        source = self.sources[int(torch.multinomial(self.weights, 1, generator=generator).item())]
        return self.synthesis(source.patch(self.size, generator), generator)


def generator_of(*key: int) -> Generator:
    """A CPU generator seeded by some integers; torch itself would only look at 32 bits of one."""
    return Generator().manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))
