"""Noise of five cameras as measured by ELD (Wei et al. 2020): gains, scales, shapes and offsets."""

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

import torch
from torch import Generator

EldName = Literal["CanonEOS5D4", "CanonEOS70D", "CanonEOS700D", "NikonD850", "SonyA7S2"]
ELD_CAMERAS: tuple[EldName, ...] = get_args(EldName)


@dataclass(frozen=True)
class ScaleLaw:
    """A scale of noise in DN, log-normal about a power of the gain (eq. 12)."""

    slope: float
    intercept: float
    scatter: float

    def median(self, gain: float) -> float:
        """Median of the scale at one gain."""
        return math.exp(self.slope * math.log(gain) + self.intercept)

    def sample(self, gain: float, generator: Generator) -> float:
        """One scale."""
        deviation = torch.randn((), generator=generator).item()
        return self.median(gain) * math.exp(self.scatter * deviation)


@dataclass(frozen=True)
class EldCamera:
    """One camera, from ISO 100 to 6400; in DN of its 14-bit raw files."""

    gain: tuple[float, float]
    """System gain K at the lowest and at the highest ISO, DN per electron."""
    gaussian: ScaleLaw
    """Standard deviation of read noise taken as normal."""
    tukey: ScaleLaw
    """Scale of read noise taken as Tukey-lambda."""
    row: ScaleLaw
    """Standard deviation of row noise."""
    shapes: tuple[float, ...]
    """Lambda of each dark frame, by ISO."""
    biases: tuple[tuple[float, float, float, float], ...]
    """Offsets of R, G1, G2, B of each dark frame, by ISO."""


@cache
def eld_camera(name: EldName) -> EldCamera:
    """One of the five cameras."""
    table = json.loads((files("pellucid") / "eld_cameras.json").read_text("utf-8"))
    entry = table["cameras"][name]
    low, high = entry["gain"]
    return EldCamera(
        (low, high),
        *(ScaleLaw(**entry[kind]) for kind in ("gaussian", "tukey", "row")),
        shapes=tuple(entry["shapes"]),
        biases=tuple((r, g1, g2, b) for r, g1, g2, b in entry["biases"]),
    )
