"""Blur kernels: of straight motion, of a shaking hand, and out of files."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import cmath
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Generator, Tensor

from pellucid.data.degradations import Range
from pellucid.data.photos import photographs
from pellucid.data.splat import softened, splat
from pellucid.errors import FileError
from pellucid.io import read_picture
from pellucid.noise_laws import any_of, uniform

MOMENTS = 256
"""Positions of which a path is made."""


@dataclass(frozen=True)
class LinearMotion:
    """Straight and even motion."""

    length: Range = (0.0, 25.0)
    """In pixels."""
    angle: Range = (0.0, 180.0)
    """In degrees from the horizontal."""

    @property
    def reach(self) -> int:
        """Half the longest."""
        return reach_of(self.length[1])

    # Annotated as the protocol is: jsonargparse compares the words.
    def kernel(self, generator: Generator) -> Tensor:
        """A line."""
        length = uniform(*self.length, generator)
        angle = math.radians(uniform(*self.angle, generator))
        along = torch.linspace(-length / 2, length / 2, MOMENTS)
        return drawn(along * math.sin(angle), along * math.cos(angle))


@dataclass(frozen=True)
class CameraShake:
    """A hand's random path, in the manner of Boracchi and Foi (2012).

    Velocity is pushed at random, pulled back to where the hand aims, and sometimes jerked round.
    """

    extent: Range = (3.0, 25.0)
    """Of the path in its longer direction, in pixels; Levin et al. (2009) measured 10 to 23."""
    pushes: Range = (0.1, 1.0)
    """Change of velocity in the time of a 16th of the exposure, relative to it: 0 is straight."""
    pull: Range = (0.0, 40.0)
    """Towards the aim, per exposure squared."""
    jerks: Range = (0.0, 3.0)
    """Expected number of sudden turns."""
    width: Range = (0.3, 0.7)
    """Standard deviation of the lens's own blur, in pixels."""

    @property
    def reach(self) -> int:
        """A little more than half the widest."""
        return reach_of(self.extent[1])

    # Annotated as the protocol is: jsonargparse compares the words.
    def kernel(self, generator: Generator) -> Tensor:
        """A path."""
        extent, width = uniform(*self.extent, generator), uniform(*self.width, generator)
        path = self.path(generator)
        span = (path.amax(1) - path.amin(1)).amax()
        y, x = path * (extent / span)
        return drawn(y, x, width)

    def path(self, generator: Generator) -> Tensor:
        """Positions (2, MOMENTS) in any scale."""
        push = uniform(*self.pushes, generator) * math.sqrt(16 / MOMENTS)
        pull = uniform(*self.pull, generator) / MOMENTS**2
        jerk = uniform(*self.jerks, generator) / MOMENTS
        chances: list[float] = torch.rand(MOMENTS, generator=generator).tolist()
        pushes: list[list[float]] = torch.randn(MOMENTS, 2, generator=generator).tolist()
        velocity = cmath.rect(1, uniform(0, 2 * math.pi, generator))
        position, path = 0j, list[complex]()
        for chance, (across, along) in zip(chances, pushes, strict=True):
            path.append(position)
            position += velocity
            velocity += push * complex(across, along) - pull * position
            if chance < jerk:
                # The chance, below `jerk`, also says how far: back, give or take 30 degrees.
                velocity *= cmath.rect(1, math.pi + (chance / jerk - 0.5))
        places = torch.tensor(path)
        return torch.stack([places.imag, places.real])


@dataclass(frozen=True)
class KernelFolder:
    """Kernels that somebody measured: grey pictures of odd or even size, scaled to sum 1."""

    folder: Path
    names: tuple[str, ...] = ()
    """Left out, every picture whose name begins with `kernel`."""

    @property
    def reach(self) -> int:
        """Half the largest."""
        return max(kernel.shape[-1] // 2 for kernel in read_kernels(self.folder, self.names))

    # Annotated as the protocol is: jsonargparse compares the words.
    def kernel(self, generator: Generator) -> Tensor:
        """One of them, each equally often."""
        return any_of(read_kernels(self.folder, self.names), generator)


@cache
def read_kernels(folder: Path, names: tuple[str, ...] = ()) -> tuple[Tensor, ...]:
    """The kernels of a folder by name; raises `FileError` where there are none, or one is black."""
    paths = [path for path in photographs(Path(folder)) if path.stem.startswith("kernel")]
    chosen = [Path(folder) / name for name in names] or paths
    if not chosen:
        raise FileError.of(folder, "holds no kernels; expected pictures named kernel...")
    return tuple(_read(path) for path in chosen)


def _read(path: Path) -> Tensor:
    grey = read_picture(path).mean(0)
    if not grey.sum() > 0:
        raise FileError.of(path, "is black; expected a kernel")
    y, x = torch.meshgrid(*(torch.arange(float(side)) for side in grey.shape), indexing="ij")
    y, x = (place - (place * grey).sum() / grey.sum() for place in (y, x))
    return _splatted(y[grey > 0], x[grey > 0], grey[grey > 0])


def drawn(y: Tensor, x: Tensor, width: float = 0.0) -> Tensor:
    """Kernel of a path about (0, 0), blurred by a Gaussian of `width` pixels."""
    y, x = y - y.mean(), x - x.mean()
    return _splatted(y, x, torch.ones_like(y), width)


def _splatted(y: Tensor, x: Tensor, weight: Tensor, width: float = 0.0) -> Tensor:
    far = max(y.abs().amax().item(), x.abs().amax().item())
    # Rounding errors of a path that stands still need no pixel.
    reach = math.ceil(far + 3 * width - 1e-3)
    kernel = splat(y + reach, x + reach, weight, 2 * reach + 1, 2 * reach + 1)
    kernel = softened(kernel, width)
    return kernel / kernel.sum()


def reach_of(extent: float) -> int:
    """Pixels from the middle to the end of a kernel of that extent."""
    return math.ceil(extent / 2) + 1
