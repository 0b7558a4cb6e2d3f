"""The commands of the pages on raw data sets are ones that there are."""

import shlex
from pathlib import Path

import pytest

from pellucid.cli.parser import parse

DOCS = Path(__file__).parents[2] / "docs" / "datasets"


@pytest.mark.parametrize("page", ["dnd", "sidd", "real", "fivek", "dual"])
def test_commands_parse(page: str):
    block = (DOCS / f"{page}.md").read_text().split("## Commands")[1].split("```console\n")[1]
    lines = [shlex.split(line) for line in block.split("```")[0].splitlines()]
    assert {words[1] for words in lines} >= {"train", "evaluate", "restore"}
    for words in lines:
        assert words[0] == "pellucid"
        if words[1] != "train":  # a recipe is read by its own command
            parse(words[1:])
