"""The one inference path: a raw photograph in, restored mosaic and picture out, in tiled passes."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from pellucid.calibrate import estimate_noise
from pellucid.checkpoint import Network
from pellucid.errors import NetworkError, PellucidError
from pellucid.importers import PublishedOptions
from pellucid.isp import ISPConfig, Rendering, render
from pellucid.models import load_model
from pellucid.networks.dual_domain import DualDomainNet, Geometry, Restored
from pellucid.networks.picture import PictureNet
from pellucid.raw import Camera, Noise, RawImage
from pellucid.tiling import Grid, run_tiled, tiles

TILE = 1024
"""Side of a tile in pixels; larger ones repeat fewer halos and need more memory."""
OVERLAP = 64
"""Pixels that a tile sees of its neighbours where no halo makes it exact."""
_DEVELOPING = Grid(TILE, stride=2, halo=16)

Record = TypeVar("Record", Camera, Noise, Rendering)
Progress = Callable[[int, int], object]
"""Called with the number of finished tiles and of all tiles."""


class KnownNoise(NamedTuple):
    """The noise level that a restoration goes by, and where it came from."""

    noise: Noise
    origin: str


def settle_noise(raw: RawImage, given: Noise | None = None) -> KnownNoise:
    """What is given, else what the file says, else a blind estimate from the mosaic."""
    if given is not None:
        return KnownNoise(given, "given")
    if raw.noise is not None:
        return KnownNoise(raw.noise, "the file's noise profile")
    return KnownNoise(estimate_noise(raw.mosaic), "estimated from the picture")


def develop(
    raw: RawImage, rendering: Rendering | None = None, config: ISPConfig | None = None
) -> Tensor:
    """sRGB picture (3, H, W) of a raw photograph as it is, developed in tiles of bounded memory."""
    rendering, config = rendering or Rendering(raw.exposure), config or ISPConfig()
    return _develop(raw.mosaic, raw.camera, rendering, config, lambda: None)


def _develop(
    mosaic: Tensor,
    camera: Camera,
    rendering: Rendering,
    config: ISPConfig,
    done: Callable[[], object],
) -> Tensor:
    def run(tile: Tensor) -> Tensor:
        return render(tile, camera, rendering, config)

    return run_tiled(run, (mosaic,), 3, _DEVELOPING, done)


class Restorer:
    """A network made ready for whole photographs."""

    def __init__(self, net: Network, tile: int = TILE, device: str | torch.device = "cpu") -> None:
        """`tile` is the side in pixels of what is computed at once."""
        if tile < 2:
            raise PellucidError(f"tile is {tile} pixels; expected 2 or more")
        self.net: Network = net.to(device).eval()
        self.tile, self.device = tile, torch.device(device)

    @classmethod
    def load(
        cls,
        model: str | Path = "default",
        tile: int = TILE,
        device: str | torch.device = "cpu",
        options: PublishedOptions | None = None,
    ) -> "Restorer":
        """Restorer of a shipped model by name, of a weights file, or of a training's run folder.

        `options` say what the weights of others do not.
        """
        return cls(load_model(model, options), tile, device)

    @torch.inference_mode()
    def __call__(
        self,
        raw: RawImage,
        noise: Noise | None = None,
        rendering: Rendering | None = None,
        progress: Progress | None = None,
    ) -> Restored:
        """Restored mosaic (1, H, W) and picture (3, H, W) on the CPU, in the frame of `raw.mosaic`.

        Without `noise`, what `settle_noise` finds; without `rendering`, the file's own exposure. A
        network of pictures restores the developed one, and leaves the mosaic as it is.
        """
        if isinstance(self.net, PictureNet):
            return self._restore_developed(self.net, raw, rendering, progress)
        net = self.net
        noise = _on(settle_noise(raw, noise).noise, self.device)
        rendering = _on(rendering or Rendering(raw.exposure), self.device)
        camera, mosaic = _on(raw.camera, self.device), raw.mosaic.to(self.device)
        grids = [_DEVELOPING]
        grids += [self._grid(net.raw_geometry)] if net.raw_net is not None else []
        grids += [self._grid(net.srgb_geometry)] if net.srgb_net is not None else []
        done = _counter(mosaic, grids, progress)
        clean = self._denoise_raw(net, mosaic, noise, done)
        srgb = _develop(clean, camera, rendering, net.isp, done)
        mapped = net.mapped(mosaic, clean)
        picture = self._denoise_srgb(net, srgb, mapped, camera, noise, rendering, done)
        return Restored(clean.cpu(), picture.cpu())

    @torch.inference_mode()
    def restore_picture(self, picture: Tensor, progress: Progress | None = None) -> Tensor:
        """Restored sRGB picture (3, H, W) on the CPU, of one in [0, 1].

        Raises NetworkError if the network is one for raws.
        """
        if not isinstance(self.net, PictureNet):
            raise NetworkError("the model restores raw photographs; expected a raw, got a picture")
        picture = picture.to(self.device)
        grid = self._grid(Geometry(self.net.stride, self.net.halo))
        return run_tiled(self.net, (picture,), 3, grid, _counter(picture, [grid], progress)).cpu()

    def _restore_developed(
        self,
        net: PictureNet,
        raw: RawImage,
        rendering: Rendering | None,
        progress: Progress | None,
    ) -> Restored:
        rendering = _on(rendering or Rendering(raw.exposure), self.device)
        camera, mosaic = _on(raw.camera, self.device), raw.mosaic.to(self.device)
        grid = self._grid(Geometry(net.stride, net.halo))
        done = _counter(mosaic, [_DEVELOPING, grid], progress)
        srgb = _develop(mosaic, camera, rendering, ISPConfig(), done)
        return Restored(raw.mosaic.cpu(), run_tiled(net, (srgb,), 3, grid, done).cpu())

    def _denoise_raw(
        self, net: DualDomainNet, mosaic: Tensor, noise: Noise, done: Callable[[], object]
    ) -> Tensor:
        if net.raw_net is None:
            return mosaic

        def run(tile: Tensor) -> Tensor:
            return net.denoise_raw(tile, noise)

        return run_tiled(run, (mosaic,), 1, self._grid(net.raw_geometry), done)

    def _denoise_srgb(
        self,
        net: DualDomainNet,
        srgb: Tensor,
        mosaic: Tensor,
        camera: Camera,
        noise: Noise,
        rendering: Rendering,
        done: Callable[[], object],
    ) -> Tensor:
        if net.srgb_net is None:
            return srgb

        def run(picture: Tensor, tile: Tensor) -> Tensor:
            return net.denoise_srgb(picture, net.srgb_std(tile, camera, noise, rendering))

        return run_tiled(run, (srgb, mosaic), 3, self._grid(net.srgb_geometry), done)

    def _grid(self, geometry: Geometry) -> Grid:
        """Tiles as the network allows; where it sees everything, they overlap and are blended."""
        stride, halo = geometry
        if halo is not None:
            return Grid(self.tile, stride, halo)
        return Grid(self.tile, stride, -(-OVERLAP // stride) * stride, blended=True)


def _on(record: Record, device: torch.device) -> Record:
    return type(record)(*(value.to(device) for value in record))


def _counter(picture: Tensor, grids: list[Grid], progress: Progress | None) -> Callable[[], object]:
    """Called after each tile of passes over a picture."""
    height, width = picture.shape[-2:]
    total, finished = sum(len(tiles(height, width, grid)) for grid in grids), 0

    def done() -> None:
        nonlocal finished
        finished += 1
        if progress is not None:
            progress(finished, total)

    return done
