"""A photograph on the device, and developing it whole, in tiles of bounded memory."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from torch import Tensor

from pellucid.isp import ISPConfig, Rendering, render, render_linear
from pellucid.look.highlights import lift_highlights
from pellucid.raw import Camera, Noise
from pellucid.tiling import Grid, run_tiled

DEVELOPING = Grid(1024, stride=2, halo=16)
Done = Callable[[], object]
"""Called after each tile."""


class Shot(NamedTuple):
    """A photograph on the device, and what is known and wanted of it."""

    light: Tensor
    """A mosaic (1, H, W), or pixels (3 or 1, H, W) with all their colours."""
    camera: Camera
    noise: Noise
    rendering: Rendering
    linear: bool = False
    """Whether the pixels have all their colours."""
    gain: Tensor | None = None
    """What developing multiplies the light by, of its shape; networks see it as it is."""
    spread: float = 1.0
    """Factor on the sites' variance that the networks are told of such pixels."""

    @property
    def gains(self) -> tuple[Tensor, ...]:
        """The gain, if any, as one more picture of a tiled pass."""
        return () if self.gain is None else (self.gain,)


def lit(shot: Shot, light: Tensor, config: ISPConfig) -> Tensor:
    """The light of a shot with what clipping took from it, where highlights are rebuilt."""
    if config.highlights != "rebuilt":
        return light
    spread = (shot.noise.shot + shot.noise.read).amax().sqrt().item()  # at white
    lift = lift_highlights(light, shot.camera, spread)
    return light if lift is None else lift.add_(light)


def for_light(shot: Shot, config: ISPConfig) -> ISPConfig:
    """The same pipeline; only of a mosaic, highlights can be rebuilt."""
    rolled = shot.linear and config.highlights == "rebuilt"
    return replace(config, highlights="roll") if rolled else config


def develop_tiled(shot: Shot, light: Tensor, config: ISPConfig, done: Done) -> Tensor:
    """sRGB picture (3, H, W) of a shot whose light is this."""
    draw = render_linear if shot.linear else render

    def run(tile: Tensor, gain: Tensor | float = 1.0) -> Tensor:
        return draw(tile * gain, shot.camera, shot.rendering, config)

    return run_tiled(run, (light, *shot.gains), 3, DEVELOPING, done)
