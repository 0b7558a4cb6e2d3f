"""The one inference path: a raw photograph in, restored mosaic and picture out, in tiled passes."""

from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from pellucid.calibrate import estimate_noise
from pellucid.checkpoint import load_network
from pellucid.errors import PellucidError
from pellucid.isp import ISPConfig, Rendering, render
from pellucid.networks.dual_domain import DualDomainNet, Restored
from pellucid.raw import Camera, Noise, RawImage
from pellucid.tiling import Grid, run_tiled, tiles

TILE = 1024
"""Side of a tile in pixels; larger ones repeat fewer halos and need more memory."""
SHIPPED = ("default",)
"""Names of the models in the package."""

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
    grid = Grid(TILE, stride=2, halo=16)

    def run(tile: Tensor) -> Tensor:
        return render(tile, camera, rendering, config)

    return run_tiled(run, (mosaic,), 3, grid, done)


class Restorer:
    """A network made ready for whole photographs."""

    def __init__(
        self, net: DualDomainNet, tile: int = TILE, device: str | torch.device = "cpu"
    ) -> None:
        """`tile` is the side in pixels of what is computed at once."""
        if tile < 2:
            raise PellucidError(f"tile is {tile} pixels; expected 2 or more")
        self.net, self.tile, self.device = net.to(device).eval(), tile, torch.device(device)

    @classmethod
    def load(
        cls, model: str | Path = "default", tile: int = TILE, device: str | torch.device = "cpu"
    ) -> "Restorer":
        """Restorer of a shipped model by name, of a weights file, or of a training's run folder."""
        return cls(load_model(model), tile, device)

    @torch.inference_mode()
    def __call__(
        self,
        raw: RawImage,
        noise: Noise | None = None,
        rendering: Rendering | None = None,
        progress: Progress | None = None,
    ) -> Restored:
        """Restored mosaic (1, H, W) and picture (3, H, W) on the CPU, in the frame of `raw.mosaic`.

        Without `noise`, what `settle_noise` finds; without `rendering`, the file's own exposure.
        """
        noise = _on(settle_noise(raw, noise).noise, self.device)
        rendering = _on(rendering or Rendering(raw.exposure), self.device)
        camera, mosaic = _on(raw.camera, self.device), raw.mosaic.to(self.device)
        done = _counter(self._count(mosaic), progress)
        clean = self._denoise_raw(mosaic, noise, done)
        srgb = _develop(clean, camera, rendering, self.net.isp, done)
        picture = self._denoise_srgb(srgb, clean, camera, noise, rendering, done)
        return Restored(clean.cpu(), picture.cpu())

    def _denoise_raw(self, mosaic: Tensor, noise: Noise, done: Callable[[], object]) -> Tensor:
        if self.net.raw_net is None:
            return mosaic

        def run(tile: Tensor) -> Tensor:
            return self.net.denoise_raw(tile, noise)

        return run_tiled(run, (mosaic,), 1, self._grid(self.net.raw_geometry), done)

    def _denoise_srgb(
        self,
        srgb: Tensor,
        mosaic: Tensor,
        camera: Camera,
        noise: Noise,
        rendering: Rendering,
        done: Callable[[], object],
    ) -> Tensor:
        if self.net.srgb_net is None:
            return srgb

        def run(picture: Tensor, tile: Tensor) -> Tensor:
            return self.net.denoise_srgb(picture, self.net.srgb_std(tile, camera, noise, rendering))

        return run_tiled(run, (srgb, mosaic), 3, self._grid(self.net.srgb_geometry), done)

    def _grid(self, geometry: tuple[int, int]) -> Grid:
        return Grid(self.tile, *geometry)

    def _count(self, mosaic: Tensor) -> int:
        """Tiles of all passes."""
        passes = [Grid(TILE, 2, 16)]
        passes += [self._grid(self.net.raw_geometry)] if self.net.raw_net is not None else []
        passes += [self._grid(self.net.srgb_geometry)] if self.net.srgb_net is not None else []
        height, width = mosaic.shape[-2:]
        return sum(len(tiles(height, width, grid)) for grid in passes)


def load_model(model: str | Path) -> DualDomainNet:
    """Network of a shipped model by name, of a weights file, or of a training's run folder."""
    if model in SHIPPED:
        with as_file(files("pellucid") / "weights" / f"{model}.safetensors") as path:
            return load_network(path)
    path = Path(model)
    if path.is_dir():
        path /= "weights.safetensors"
    if not path.exists():
        raise PellucidError(
            f"{model}: no such model; expected {', '.join(SHIPPED)}, a weights file or a run folder"
        )
    return load_network(path)


def _on(record: Record, device: torch.device) -> Record:
    return type(record)(*(value.to(device) for value in record))


def _counter(total: int, progress: Progress | None) -> Callable[[], object]:
    finished = 0

    def done() -> None:
        nonlocal finished
        finished += 1
        if progress is not None:
            progress(finished, total)

    return done
