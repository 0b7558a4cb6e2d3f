"""`pellucid train`."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pellucid.errors import FileError, PellucidError


def train_command(recipe: Path, overrides: list[str]) -> int:
    """Train by a recipe; its options may be overridden."""
    if not recipe.is_file():
        raise FileError.of(
            recipe, "no such recipe; expected a YAML file, such as recipes/default.yaml"
        )
    with needs_train_extra():
        from pellucid.training.run import train
    train(recipe, overrides)
    return 0


@contextmanager
def needs_train_extra() -> Generator[None]:
    """Say what to install where the extra is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise PellucidError(
            f"{error.name} is not installed; expected pip install 'pellucid[train]'"
        ) from None
