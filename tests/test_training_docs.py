"""Every command line of docs/training.md is one that `pellucid train` takes."""

import shlex
from pathlib import Path

import pytest

from pellucid.training import RunFolderCLI, Training
from pellucid.training_data import RawData

ROOT = Path(__file__).parents[1]
LINES = [
    line
    for line in (ROOT / "docs" / "training.md").read_text().splitlines()
    if line.startswith("pellucid train ")
]


class Parser(RunFolderCLI):
    """Reads the command line and builds nothing."""

    def instantiate_classes(self) -> None:
        pass


def yaml_like(value: object) -> object:
    """A number, or a word in small letters."""
    try:
        return float(str(value))
    except ValueError:
        return str(value).lower()


def test_there_are_command_lines():
    assert len(LINES) > 10


@pytest.mark.parametrize("line", LINES)
def test_a_command_line_is_taken(line, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    recipe, *words = shlex.split(line)[2:]
    if recipe.startswith("runs/"):
        recipe = "recipes/default.yaml"  # its run folder is not there
    arguments = [f"--config={recipe}", *words]
    settings = {"run": False, "save_config_callback": None, "args": arguments}
    if "--print_config" in words:
        with pytest.raises(SystemExit) as stopped:
            Parser(Training, RawData, **settings)
        assert stopped.value.code == 0 and "loss: charbonnier" in capsys.readouterr().out
        return
    config = Parser(Training, RawData, **settings).config.as_flat()
    for option, value in zip(words[::2], words[1::2], strict=True):
        assert yaml_like(vars(config)[option.removeprefix("--")]) == yaml_like(value)
