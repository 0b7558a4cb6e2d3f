"""Models by name, as benchmarks of raw photographs call them: both domains come out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from pellucid.benchmarks.benchmark import Benchmark, Given, Model, Output, Sample
from pellucid.benchmarks.models import INPUT
from pellucid.benchmarks.running import each
from pellucid.choices import Truth
from pellucid.isp import ISPConfig, Rendering
from pellucid.networks.dual_domain import Restored
from pellucid.networks.picture import PictureNet
from pellucid.passes import TILE
from pellucid.raw import RawImage
from pellucid.restore import Restorer, develop


def unchanged(isp: ISPConfig) -> ISPConfig:
    """The network's own pipeline."""
    return isp


@dataclass(frozen=True)
class RawShot:
    """What a model is given."""

    raw: RawImage
    rendering: Rendering
    isp: Callable[[ISPConfig], ISPConfig] = unchanged
    """What the benchmark asks of the pipeline, given the network's own."""
    reference: Tensor | None = None
    """The camera's own picture, whose look is wanted."""
    truth: Truth = "colour"
    """What the picture is compared with."""


class RawModel:
    """A network that restores raws, or the pictures that are made of them."""

    def __init__(self, name: str, tile: int = TILE, device: str = "cpu") -> None:
        """`name` is a shipped model, a weights file or a run folder."""
        # The truths of benchmarks are rendered with the pipeline that networks are trained with.
        self.restorer = Restorer.load(name, tile, device, highlights="roll")
        self._isp = self.restorer.passes.isp

    def __call__(self, shots: Sequence[RawShot]) -> list[Restored]:
        """Restored mosaic (1, H, W) and picture (3, H, W) of each."""
        return [self._restored(shot) for shot in shots]

    @property
    def is_of_pictures(self) -> bool:
        """Whether the network restores developed pictures only."""
        return isinstance(self.restorer.net, PictureNet)

    def _restored(self, shot: RawShot) -> Restored:
        net, raw = self.restorer.net, shot.raw
        if isinstance(net, PictureNet):
            picture = self.restorer.restore_picture(developed(shot).srgb)
            return Restored(raw.mosaic, picture)
        net.isp = shot.isp(self._isp)
        made = self.restorer.compare(raw, raw.noise, shot.rendering, shot.reference)
        return Restored(made.mosaic, made.srgb if shot.truth == "colour" else made.developed)


def developed(shot: RawShot) -> Restored:
    """The model `input`: the noisy mosaic, and what the pipeline makes of it."""
    picture = develop(shot.raw, shot.rendering, shot.isp(ISPConfig()))
    return Restored(shot.raw.mosaic, picture)


def raw_models(
    names: Sequence[str], tile: int = TILE, device: str = "cpu"
) -> dict[str, Model[RawShot, Restored]]:
    """The input first, then each name once."""
    models: dict[str, Model[RawShot, Restored]] = {INPUT: each(developed)}
    for name in names:
        if name not in models:
            models[name] = RawModel(name, tile, device)
    return models


def seen(benchmark: Benchmark[Given, Output]) -> Benchmark[Given, Tensor]:
    """The same items for a report, which shows pictures and scores nothing."""
    return Benchmark(
        benchmark.name,
        benchmark.items,
        benchmark.columns,
        _unscored,
        benchmark.protocol,
        benchmark.source,
        benchmark.facts,
        benchmark.shown,
        benchmark.files,
    )


def _unscored(output: Tensor, sample: Sample[Given]) -> dict[str, float]:
    del output, sample
    return {}


def pictured(
    models: Mapping[str, Model[RawShot, Restored]],
) -> dict[str, Model[RawShot, Tensor]]:
    """The models' pictures alone."""
    return {name: _pictures(model) for name, model in models.items()}


def _pictures(model: Model[RawShot, Restored]) -> Model[RawShot, Tensor]:
    return lambda shots: [restored.srgb for restored in model(shots)]
