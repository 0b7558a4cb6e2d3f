"""Every command line of the pages on training is one that `pellucid train` takes."""

import shlex
from pathlib import Path

import pytest
from jsonargparse import get_loader

from pellucid.training.recipe import Call
from pellucid.training.run import RunFolderCLI, classes_of

ROOT = Path(__file__).parents[2]
LINES = [
    line
    for page in ("training", "adaptation")
    for line in (ROOT / "docs" / f"{page}.md").read_text().replace("\\\n", "").splitlines()
    if line.startswith("pellucid train ")
]


class Parser(RunFolderCLI):
    """Reads the command line and builds nothing."""

    def instantiate_classes(self) -> None:
        pass


def yaml_like(value: object) -> object:
    """What YAML makes of an option's words, or what was made of them."""
    said = get_loader("yaml")(value) if isinstance(value, str) else value
    if isinstance(said, list | tuple):
        return [yaml_like(each) for each in said]
    return said if said is None or isinstance(said, int | float) else str(said)


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
    classes = classes_of(Call.of(arguments).training)
    if "--print_config" in words:
        with pytest.raises(SystemExit) as stopped:
            Parser(*classes, **settings)
        assert stopped.value.code == 0 and "loss: charbonnier" in capsys.readouterr().out
        return
    config = Parser(*classes, **settings).config.as_flat()
    for option, value in zip(words[::2], words[1::2], strict=True):
        assert yaml_like(vars(config)[option.removeprefix("--")]) == yaml_like(value)
