"""What a recipe says: records that their `kind` tells apart, and answers to unknown words."""
# pyright: reportUnknownMemberType=false

import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from difflib import get_close_matches
from itertools import zip_longest
from pathlib import Path
from typing import Any, cast

import yaml
from jsonargparse import get_loader, set_dumper, set_loader
from lightning.pytorch.cli import LightningArgumentParser

from pellucid.data.synthesis import RawSynthesis
from pellucid.errors import PellucidError
from pellucid.networks.backbones import BACKBONES
from pellucid.networks.dual_domain import DualDomainConfig
from pellucid.objectives.supervised import Supervised
from pellucid.schedules import SCHEDULES

KINDS: dict[str, type[Any]] = {**BACKBONES, **SCHEDULES}
"""Every record that has a `kind`."""
CLASSES = {kind: f"{record.__module__}.{record.__name__}" for kind, record in KINDS.items()}


def load(text: str) -> Any:
    """A recipe, or the value of an option, out of YAML."""
    return with_classes(get_loader("yaml")(text))


def dump(recipe: dict[str, Any]) -> str:
    """A recipe as YAML, in the order that it has."""
    return yaml.safe_dump(with_kinds(recipe), sort_keys=False, allow_unicode=True, width=100)


def with_classes(value: Any) -> Any:
    """The value with records that have a kind named by their classes.

    jsonargparse takes a record without a class for one of the default's.
    """
    return mapped(value, lambda said: named(said) if said.get("kind") in KINDS.keys() else said)


def named(said: dict[str, Any]) -> dict[str, Any]:
    """A record that has a kind, as jsonargparse names it."""
    return {"class_path": CLASSES[said["kind"]], "init_args": said}


def with_kinds(value: Any) -> Any:
    """The inverse of `with_classes`."""
    known = CLASSES.values()

    def bare(said: dict[str, Any]) -> dict[str, Any]:
        return said["init_args"] if said.get("class_path") in known else said

    return mapped(value, bare)


def mapped(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The value with every mapping in it changed, the inner ones first."""
    if isinstance(value, list):
        return [mapped(item, change) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        pairs = cast(dict[str, Any], value).items()
        return change({key: mapped(item, change) for key, item in pairs})
    return value


set_loader("recipe", load, (yaml.YAMLError,))
set_dumper("recipe", dump)

UNKNOWN = re.compile(r"--([\w.]+)|[Kk]ey \"?'?([\w.]+)\"?'? is not expected|[Oo]ption '(\w+)'")
UNKNOWN_KIND = re.compile(
    r"Parser key \"kind\": Expected a typing.Literal\['(\w+)'\]. Got value: (\w+)"
)


def with_nearest(message: str, parser: LightningArgumentParser) -> str:
    """A parser's complaint, with the valid key that is nearest to the one it does not know."""
    unknown = UNKNOWN.search(message)
    if unknown is None:
        return with_valid_kinds(message)
    said = next(name for name in unknown.groups() if name)
    keys = valid_keys(parser)
    ends = {key.rpartition(".")[2] for key in keys}
    near = get_close_matches(said, keys, 1, 0.7) or get_close_matches(said, ends, 1, 0.7)
    return f"unknown option {said}; the nearest one is {near[0]}" if near else message


def with_valid_kinds(message: str) -> str:
    """A parser's complaint, with the kinds that there are in place of the one it does not know."""
    wrong = UNKNOWN_KIND.search(message)
    if wrong is None:
        return message
    valid = next(kinds for kinds in (BACKBONES, SCHEDULES) if wrong[1] in kinds)
    return f"unknown kind {wrong[2]}; expected one of {', '.join(valid)}"


def valid_keys(parser: LightningArgumentParser) -> list[str]:
    """Every key that a recipe can hold, those of the configuration records inside included."""
    keys = [name for name in vars(parser.get_defaults().as_flat()) if not name.startswith("__")]
    inside = [("model.network", DualDomainConfig), ("model.objective", Supervised)]
    inside += [("data.synthesis", RawSynthesis)]
    for domain in ("raw", "srgb"):
        inside += [(f"model.network.{domain}", config) for config in BACKBONES.values()]
    inside += [("model.schedule", schedule) for schedule in SCHEDULES.values()]
    return keys + [f"{key}.{field.name}" for key, record in inside for field in fields(record)]


UNSAID = {"model.network.raw": "unet", "model.network.srgb": "unet", "model.schedule": "cosine"}
"""Where a recipe holds records that have a kind, and their kind where it says none."""


def recipe_text(word: str) -> str:
    """The text of a recipe; empty where there is none, which is answered elsewhere."""
    path = Path(word.removeprefix("--config="))
    return path.read_text() if path.is_file() else ""


def refuse_strangers(recipe: str, words: list[str]) -> None:
    """Raise PellucidError for an option that a record of its kind does not have.

    jsonargparse would look for another kind that has it.
    """
    said = list(options(words))
    for place, unsaid in UNSAID.items():
        kind = last_kind(place, recipe, said, unsaid)
        # An unknown kind is answered by its own words.
        valid = [f"{place}.{field.name}" for field in fields(KINDS[kind])] if kind in KINDS else []
        for key in (key for key, _ in said if valid and key.startswith(f"{place}.")):
            if key not in valid:
                (near,) = get_close_matches(key, valid, 1, 0)
                raise PellucidError(f"unknown option {key} of {kind}; the nearest one is {near}")


def last_kind(place: str, recipe: str, said: list[tuple[str, str]], unsaid: str) -> str:
    """The kind of the record at a place, by the recipe and then by the options."""
    kind = kind_of(place, recipe, unsaid)
    for key, value in said:
        if key == place:
            kind = kind_of("", value, kind)
        elif key == f"{place}.kind":
            kind = value
    return kind


def options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Names and values of a command line's options."""
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        if word.startswith("--"):
            key, equals, value = word[2:].partition("=")
            yield key, value if equals else following


def kind_of(place: str, text: str, otherwise: str) -> str:
    """The kind that a recipe says at a place, or a record at none."""
    try:
        value = cast(object, get_loader("yaml")(text))
    except yaml.YAMLError:
        return otherwise  # answered when the recipe is parsed
    for name in [*place.split("."), "kind"] if place else ["kind"]:
        value = cast(dict[str, object], value).get(name) if isinstance(value, dict) else None
    return otherwise if value is None else str(value)
