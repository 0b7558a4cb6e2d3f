"""Models by what a user calls them: a shipped name, a weights file, a training's run folder."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import get_args

from pellucid.checkpoint import Network, load_network
from pellucid.choices import Task
from pellucid.errors import FileError
from pellucid.importers import PublishedOptions

SHIPPED = ("default", *get_args(Task))
"""Names of the models in the package: `default` for raws, the others for finished pictures."""


def load_model(model: str | Path, options: PublishedOptions | None = None) -> Network:
    """Network of a shipped model by name, of a weights file, or of a training's run folder."""
    with weights_of(model) as path:
        return load_network(path, options)


@contextmanager
def weights_of(model: str | Path) -> Generator[Path]:
    """The file with a model's weights; raises FileError where there is none."""
    if model in SHIPPED:
        with as_file(files("pellucid") / "weights" / f"{model}.safetensors") as path:
            yield path
        return
    yield _file_of(Path(model))


def _file_of(model: Path) -> Path:
    """The weights themselves, or those of a run folder."""
    try:
        inside = model / "weights.safetensors" if model.is_dir() else model
        if inside.exists():
            return inside
    except OSError as error:
        raise FileError.from_os(model, error) from error
    if inside != model:
        raise FileError.of(
            model, "holds no weights.safetensors, written when a run ends; expected a finished run"
        )
    shipped = ", ".join(SHIPPED)
    raise FileError.of(model, f"no such model; expected {shipped}, a weights file or a run folder")
