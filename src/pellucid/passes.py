"""A network's passes over a whole photograph, in tiles."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from pellucid.checkpoint import Network
from pellucid.choices import Precision, Preset
from pellucid.developing import DEVELOPING, Done, Shot, for_light
from pellucid.ensemble import Run, of_mosaics, of_pictures
from pellucid.errors import PellucidError
from pellucid.isp import ISPConfig
from pellucid.linear_light import denoise_linear, draws_of, linear_geometry, std_of_linear
from pellucid.look.align import apply_grid, apply_to_std
from pellucid.networks.backbones import Residual
from pellucid.networks.dual_domain import DualDomainNet, Geometry, full_precision
from pellucid.networks.picture import PictureNet
from pellucid.networks.unet import UNet
from pellucid.noise_map import propagated_map
from pellucid.tiling import Grid, run_tiled, tiles

TILE = 1536
"""Side of a tile in pixels; larger ones repeat fewer halos and need more memory."""
OVERLAP = 64
"""Pixels that a tile sees of its neighbours where no halo makes it exact."""
MIRROR = 16
"""Pixels of a picture's mirror that networks of pictures see around it: 0.2 dB in its outermost
four. Those of the two on either side of the pipeline do not gain by it."""

Highlights = Literal["rebuilt", "roll"]
"""What becomes of blown highlights where the network was trained on rolled ones."""
Progress = Callable[[int, int], object]
"""Called with the number of finished tiles and of all tiles."""


class Course(NamedTuple):
    """A restoration with all that lies between."""

    shot: Shot
    clean: Tensor
    lit: Tensor
    """The clean light with what clipping took, as it is developed."""
    isp: ISPConfig
    points: Tensor | None
    """How much of each pixel the networks have to leave alone."""
    developed: Tensor
    grid: Tensor | None
    """To the look of the reference, if there is one."""
    aligned: Tensor
    picture: Tensor


class Passes:
    """A network with how its passes are run."""

    def __init__(
        self,
        net: Network,
        tile: int,
        preset: Preset,
        precision: Precision,
        highlights: Highlights = "rebuilt",
    ) -> None:
        """`tile` is the side in pixels of what is computed at once."""
        if tile < 2:
            raise PellucidError(f"tile is {tile} pixels; expected 2 or more")
        self.net, self.tile = net, tile
        self.preset: Preset = preset
        self.precision: Precision = precision
        self.highlights: Highlights = highlights

    @property
    def isp(self) -> ISPConfig:
        """The camera pipeline that the network was trained with."""
        return ISPConfig() if isinstance(self.net, PictureNet) else self.net.isp

    def developing(self, shot: Shot) -> ISPConfig:
        """The pipeline for a shot: the network's, but that rolled highlights are rebuilt."""
        isp = self.isp
        if isp.highlights == "roll":
            isp = replace(isp, highlights=self.highlights)
        return for_light(shot, isp)

    def grids(self, shot: Shot) -> list[Grid]:
        """How each pass over a photograph is tiled."""
        net, grids = self.net, [DEVELOPING]
        if isinstance(net, PictureNet):
            return [*grids, *self.picture_grids(net)]
        grids += [self._raw_grid(net, shot)] if net.raw_net is not None else []
        grids += [self._grid(net.srgb_geometry)] if self._in_srgb(net) else []
        return grids

    def picture_grids(self, net: PictureNet) -> list[Grid]:
        """How the pass over a finished picture is tiled."""
        return [self._grid(Geometry(net.stride, net.halo))._replace(mirror=MIRROR)]

    def _in_srgb(self, net: DualDomainNet) -> bool:
        """Whether the sRGB network runs; in a hurry the raw one has to do."""
        return net.srgb_net is not None and not (self.preset == "fast" and net.raw_net is not None)

    def _averaged(self, run: Run, of_mosaic: Geometry | None = None) -> Run:
        """With the best preset, the mean over mirrored inputs, of a mosaic or of what has none."""
        if self.preset != "best":
            return run
        return of_mosaics(run, of_mosaic.stride) if of_mosaic else of_pictures(run)

    def _computing(self) -> AbstractContextManager[object]:
        half = self.precision == "bfloat16" or (self.precision == "auto" and in_half(self.net))
        device = next(self.net.parameters()).device.type
        return torch.autocast(device, torch.bfloat16, enabled=half)

    def restore_picture(self, picture: Tensor, net: PictureNet, done: Done) -> Tensor:
        """Restored picture (3, H, W)."""
        (grid,) = self.picture_grids(net)
        with self._computing():
            return run_tiled(self._averaged(net), (picture,), 3, grid, done)

    def denoise_raw(self, shot: Shot, done: Done) -> Tensor:
        """Denoised light, of the same shape; the same one where no network is for raws."""
        net = self.net
        if isinstance(net, PictureNet) or net.raw_net is None:
            return shot.light

        def run(tile: Tensor, draws: Tensor | None = None) -> Tensor:
            if shot.linear:
                return denoise_linear(net, tile, shot.noise, shot.spread, draws)
            return net.denoise_raw(tile, shot.noise)

        whole = self._averaged(run, None if shot.linear else net.raw_geometry)
        with self._computing():
            grid = self._raw_grid(net, shot)
            draws = (draws_of(shot.light),) if len(shot.light) == 3 else ()
            return run_tiled(whole, (shot.light, *draws), len(shot.light), grid, done)

    def denoise_srgb(self, course: Course, done: Done) -> Tensor:
        """Denoised picture (3, H, W); the aligned one where no network is for pictures."""
        net, shot = self.net, course.shot
        if isinstance(net, PictureNet):
            return self.restore_picture(course.aligned, net, done)
        if not self._in_srgb(net):
            return course.aligned
        grid = self._grid(net.srgb_geometry)
        denoise = self._averaged(net.denoise_srgb, None if shot.linear else net.srgb_geometry)
        if course.grid is not None and net.noise_map != "none":
            std = self._aligned_std(net, course, course.grid)
            with self._computing():
                return run_tiled(denoise, (course.aligned, std), 3, grid, done)

        def run(picture: Tensor, tile: Tensor, gain: Tensor | float = 1.0) -> Tensor:
            return denoise(picture, srgb_std(net, shot, tile, gain, course.isp))

        mapped = net.mapped(shot.light, course.lit)
        with self._computing():
            return run_tiled(run, (course.aligned, mapped, *shot.gains), 3, grid, done)

    def _aligned_std(self, net: DualDomainNet, course: Course, grid: Tensor) -> Tensor:
        """Noise map of the aligned picture; DualDn aligns the map as if it were a picture."""
        shot = course.shot

        def run(tile: Tensor, gain: Tensor | float = 1.0) -> Tensor:
            std = srgb_std(net, shot, tile, gain, course.isp)
            assert std is not None
            return std

        mapped = net.mapped(shot.light, course.lit)
        std = run_tiled(run, (mapped, *shot.gains), 3, DEVELOPING)
        if net.noise_map == "published":
            return apply_grid(grid, std)
        return apply_to_std(grid, course.developed, std)

    def _raw_grid(self, net: DualDomainNet, shot: Shot) -> Grid:
        """Of the raw network, for which a pixel with all its colours is four sites."""
        if not shot.linear or len(shot.light) == 1:
            return self._grid(net.raw_geometry)
        grid = self._grid(linear_geometry(net))
        return grid._replace(tile=max(2, self.tile // 2))

    def _grid(self, geometry: Geometry) -> Grid:
        """Tiles as the network allows; where it sees everything, they overlap and are blended."""
        stride, halo = geometry
        if halo is not None:
            return Grid(self.tile, stride, halo)
        return Grid(self.tile, stride, -(-OVERLAP // stride) * stride, blended=True)


def srgb_std(
    net: DualDomainNet, shot: Shot, light: Tensor, gain: Tensor | float, isp: ISPConfig
) -> Tensor | None:
    """Noise map (B, 3, H, W) of a tile of light developed so, if the network is told any."""
    given = light, shot.camera, shot.noise, shot.rendering, gain
    if shot.linear:
        return std_of_linear(net, *given, shot.spread)
    if net.noise_map != "propagated":  # the published one is that of the network's own pipeline
        return net.srgb_std(*given)
    with full_precision(light):
        return propagated_map(light, shot.noise, shot.camera, shot.rendering, isp, gain)


def in_half(net: Network) -> bool:
    """Whether a network may compute in bfloat16: ours, where the processor multiplies it.

    Of a published one people expect the published numbers.
    """
    if isinstance(net, PictureNet):
        own = _is_unet(net.net)
    else:
        own = all(_is_unet(part) for part in (net.raw_net, net.srgb_net) if part is not None)
    return own and (next(net.parameters()).device.type != "cpu" or multiplies_bfloat16())


def multiplies_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16."""
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def _is_unet(net: nn.Module) -> bool:
    return isinstance(net, Residual) and isinstance(net.body, UNet)


def counter(picture: Tensor, grids: list[Grid], progress: Progress | None) -> Done:
    """Called after each tile of passes over a picture."""
    height, width = picture.shape[-2:]
    total, finished = sum(len(tiles(height, width, grid)) for grid in grids), 0

    def done() -> None:
        nonlocal finished
        finished += 1
        if progress is not None:
            progress(finished, total)

    return done
