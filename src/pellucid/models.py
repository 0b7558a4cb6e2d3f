"""Models by what a user calls them: a shipped name, a weights file, a training's run folder."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

from pellucid.checkpoint import Network, load_network
from pellucid.errors import PellucidError
from pellucid.importers import PublishedOptions

SHIPPED = ("default", "denoise", "derain")
"""Names of the models in the package: `default` for raws, the others for finished pictures."""


def load_model(model: str | Path, options: PublishedOptions | None = None) -> Network:
    """Network of a shipped model by name, of a weights file, or of a training's run folder."""
    with weights_of(model) as path:
        return load_network(path, options)


@contextmanager
def weights_of(model: str | Path) -> Generator[Path]:
    """The file with a model's weights; raises PellucidError where there is none."""
    if model in SHIPPED:
        with as_file(files("pellucid") / "weights" / f"{model}.safetensors") as path:
            yield path
        return
    path = Path(model)
    if path.is_dir():
        path /= "weights.safetensors"
    if not path.exists():
        raise PellucidError(
            f"{model}: no such model; expected {', '.join(SHIPPED)}, a weights file or a run folder"
        )
    yield path
