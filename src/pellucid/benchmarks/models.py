"""Models by name, as benchmarks of pictures call them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pellucid.benchmarks.benchmark import Model
from pellucid.benchmarks.running import untouched
from pellucid.io.checksums import sha256_of
from pellucid.models import weights_of
from pellucid.networks.picture import PictureNet
from pellucid.passes import TILE
from pellucid.restore import Restorer
from pellucid.tiling import run_tiled

INPUT = "input"
"""The model that leaves everything as it is."""
LOOK = "+look"
"""Ends the name of a model whose colours are brought to the camera's own picture."""


class PictureModel:
    """A network of pictures; those of one size are restored together."""

    def __init__(self, name: str, tile: int = TILE, device: str = "cpu") -> None:
        """`name` is a shipped model, a weights file or a run folder."""
        self.restorer = Restorer.load(name, tile, device)

    @torch.inference_mode()
    def __call__(self, pictures: Sequence[Tensor]) -> list[Tensor]:
        """Restored pictures (3, H, W), on the CPU."""
        net = self.restorer.net
        if len({picture.shape for picture in pictures}) > 1 or not isinstance(net, PictureNet):
            return [self.restorer.restore_picture(picture) for picture in pictures]
        if len(pictures) == 1:
            return [self.restorer.restore_picture(pictures[0])]
        return list(self._together(net, torch.stack(list(pictures))))

    def _together(self, net: PictureNet, pictures: Tensor) -> Tensor:
        """The tiles of one picture, each a batch of that place in all of them."""

        def run(tile: Tensor) -> Tensor:
            stack = tile.view(len(pictures), 3, *tile.shape[-2:])
            return net(stack).flatten(0, 1)[None]

        stacked = pictures.flatten(0, 1).to(self.restorer.device)
        # The tiles that the restorer itself would take.
        (grid,) = self.restorer.passes.picture_grids(net)
        return run_tiled(run, (stacked,), len(stacked), grid).view(pictures.shape).cpu()


def picture_models(
    names: Sequence[str], tile: int = TILE, device: str = "cpu"
) -> dict[str, Model[Tensor, Tensor]]:
    """The input first, then each name once."""
    models: dict[str, Model[Tensor, Tensor]] = {INPUT: untouched}
    for name in names:
        if name not in models:
            models[name] = PictureModel(name, tile, device)
    return models


def fingerprint(name: str) -> str:
    """What tells a model's weights from others."""
    if name == INPUT:
        return INPUT
    with weights_of(name.removesuffix(LOOK)) as path:
        return sha256_of(path)
