"""Pairs for `pellucid evaluate folder`: photographs, and what a degradation makes of them.

    python benchmarks/degrade.py --photos kodak24 --degradation '{kind: motion_blur}' -o blurred
    pellucid evaluate folder --input blurred/input --target blurred/target --model deblur

The degradation is a record as recipes have it (docs/degradations.md); its seed is the picture's
place among the names. Both pictures are PNGs of 8 bits, and those that are there are left alone.
"""

import argparse
from pathlib import Path
from typing import Any, TypeVar

import yaml
from jsonargparse import ArgumentParser

from pellucid import read_picture, write_picture
from pellucid.cli import exit_with
from pellucid.data.degradations import Degradation
from pellucid.data.pairs import Pair, folder_pairs
from pellucid.data.photos import photographs
from pellucid.data.synthesis import generator_of
from pellucid.training.recipe import with_classes

T = TypeVar("T")


def degraded(photos: Path, degradation: Degradation, made: Path) -> list[Pair]:
    """The pairs in `input` and `target`, written where they are missing."""
    inputs, targets = made / "input", made / "target"
    for folder in (inputs, targets):
        folder.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(photographs(photos)):
        if not (inputs / f"{path.stem}.png").exists():
            clean = read_picture(path)
            write_picture(targets / f"{path.stem}.png", clean)
            write_picture(inputs / f"{path.stem}.png", degradation(clean, generator_of(number)))
    return folder_pairs(inputs, targets)


def degradation_of(text: str) -> Degradation:
    """The record that a YAML text says."""
    return record(Degradation, yaml.safe_load(text))


def record(kind: type[T], said: dict[str, Any]) -> T:
    """A record as recipes say it, its parts by their `kind`."""
    parser = ArgumentParser(parser_mode="recipe", exit_on_error=False)
    parser.add_argument("--record", type=kind)
    return parser.instantiate(parser.parse_object({"record": with_classes(said)})).record


def main() -> None:
    """Write the pairs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--degradation", type=degradation_of, required=True, metavar="YAML")
    parser.add_argument("-o", "--output", type=Path, required=True)
    said = parser.parse_args()
    pairs = degraded(said.photos, said.degradation, said.output)
    print(f"{len(pairs)} pairs in {said.output}")


if __name__ == "__main__":
    exit_with(main)
