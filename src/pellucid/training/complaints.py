"""What is said of a recipe that makes no sense: one line, with the nearest word that makes some."""
# pyright: reportUnknownMemberType=false

import re
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from inspect import getmembers, isclass, signature
from typing import cast

from lightning.pytorch.cli import LightningArgumentParser

from pellucid.errors import PellucidError
from pellucid.training.recipe import Call, last_kind, options, read, said_at
from pellucid.training.recipe_places import KINDS, Kinds, records_of

UNKNOWN = re.compile(r"--([\w.]+)|[Kk]ey \"?'?([\w.]+)\"?'? is not expected|[Oo]ption '([\w.]+)'")
UNKNOWN_KIND = re.compile(
    r"Parser key \"kind\": Expected a typing.Literal\['(\w+)'\]. Got value: (\w+)"
)
WRONG_VALUE = re.compile(
    r"Parser key \"(?!kind\")([\w.]+)\": Expected an? (.+?)\. Got value: (.+?)(?= - |$)"
)
IN_CLASS = re.compile(r"class_path '([\w.]+)': Option '(\w+)' is not accepted")
NO_CLASS = re.compile(r"class_path '[\w.]+': module '([\w.]+)' has no attribute '(\w+)'")
OF_CLASS = re.compile(r"class_path '([\w.]+)': ((?:No module|the following arg)[^-]+?)(?= - |$)")
OF_PROTOCOL = re.compile(r"does not implement protocol (\w+)")
OF_UNION = re.compile(
    r"Parser key \"([\w.]+)\": .*?Union subtypes Subtypes: \[(.+?)\] Errors: .*Given value: (.+)"
)
OWN_COMPLAINT = re.compile(r"^\s*- (.+; expected .+)$", re.MULTILINE)


def with_nearest(message: str, parser: LightningArgumentParser, call: Call) -> str:
    """A parser's complaint, with the valid key that is nearest to the one it does not know."""
    wrong = WRONG_VALUE.search(message)
    if wrong is not None:
        return f"{wrong[1]} is {wrong[3]}; expected {type_in_words(wrong[2])}"
    empty = re.search(r"argument --([\w.]+): expected one argument", message)
    if empty is not None:
        return f"--{empty[1]} has no value; expected one"
    inner = IN_CLASS.search(message) or NO_CLASS.search(message)
    if inner is not None:
        return nearest_in(inner[1], inner[2])
    unknown = UNKNOWN.search(message)
    if unknown is None:
        return with_valid_kinds(message, call)
    said = next(name for name in unknown.groups() if name)
    keys = valid_keys(parser, call)
    ends = {key.rpartition(".")[2] for key in keys}
    near = get_close_matches(said, keys, 1, 0.7) or get_close_matches(said, ends, 1, 0.7)
    (near,) = near or get_close_matches(said, keys, 1, 0)
    return f"unknown option {said}; the nearest one is {near}"


def nearest_in(place: str, said: str) -> str:
    """The answer to an option that a class does not have, or a class that a module does not."""
    module, _, name = place.rpartition(".")
    found = getattr(import_module(module), name, None) if module else None
    if isclass(found):
        (near,) = get_close_matches(said, signature(found).parameters, 1, 0) or [place]
        return f"unknown option {said}; the nearest one is {near}"
    there = [name for name, _ in getmembers(import_module(place), isclass)]
    (near,) = get_close_matches(said, there, 1, 0) or [place]
    return f"unknown class {place}.{said}; the nearest one is {place}.{near}"


def type_in_words(name: str) -> str:
    """A type as jsonargparse writes it, shorter: int, or one of some words."""
    words = re.fullmatch(r"typing\.Literal\[(.+)\]", name)
    if words is not None:
        return "one of " + words[1].replace("'", "")
    return re.sub(r"<class '(?:\w+\.)*(\w+)'>|typing\.", r"\1", name)


def in_short(message: str) -> str:
    """A parser's complaint without every type that it tried, and what it said to each."""
    of_class = OF_CLASS.search(message)
    if of_class is not None:
        return f"{of_class[1]}: {of_class[2]}"
    protocol = OF_PROTOCOL.search(message)
    if protocol is not None:
        return f"a class is no {protocol[1]}; expected its method, annotated as there"
    wrong = OF_UNION.search(message)
    if wrong is None:
        return message
    return f"{wrong[1]} is {wrong[3]}; expected {type_in_words(wrong[2])}"


def own_complaint(message: str) -> str:
    """What a record of ours says, out of what jsonargparse says of every type that it tried."""
    own = OWN_COMPLAINT.search(message)
    return own[1] if own else message


def with_valid_kinds(message: str, call: Call) -> str:
    """A parser's complaint, with the kinds that there are in place of the one it does not know."""
    wrong = UNKNOWN_KIND.search(message)
    if wrong is None:
        return in_short(message)
    valid = next((place.kinds for place in call.places if wrong[1] in place.kinds), KINDS)
    if wrong[2] in valid:
        needs = f"got the kind {wrong[2]} alone, in place of {wrong[1]}"
        return f"{needs}; expected the whole record at once, {{kind: {wrong[2]}, ...}}"
    return unknown_kind(wrong[2], valid)


def unknown_kind(kind: str, valid: Kinds) -> str:
    """The answer to a kind that there is not."""
    return f"unknown kind {kind}; expected one of {', '.join(valid)}"


def valid_keys(parser: LightningArgumentParser, call: Call) -> list[str]:
    """Every key that a recipe can hold, those of the configuration records inside included."""
    keys = [name for name in vars(parser.get_defaults().as_flat()) if not name.startswith("__")]
    inside = list(records_of(call.training).items())
    inside += [(place.key, record) for place in call.places for record in place.kinds.values()]
    return keys + [f"{key}.{field.name}" for key, record in inside for field in fields(record)]


def keys_within(place: str, kind: str, recipe: str, said: list[tuple[str, str]]) -> list[str]:
    """What the recipe and the options say in whole records of that kind at a place."""
    records = [said_at(place, recipe), *(read(value) for key, value in said if key == place)]
    mappings = [cast(dict[str, object], each) for each in records if isinstance(each, dict)]
    own = [name for each in mappings if each.get("kind") == kind for name in each]
    return [f"{place}.{name}" for name in own if name != "kind"]


def refuse_strangers(call: Call) -> None:
    """Raise PellucidError for a kind that there is not, or an option that its record does not have.

    jsonargparse would look for another kind that has it.
    """
    said = list(options(call.words))
    for place in call.places:
        kind = last_kind(place, call.recipe, said)
        if kind is None:
            continue
        if kind not in place.kinds:
            raise PellucidError(unknown_kind(kind, place.kinds))
        valid = [f"{place.key}.{name.name}" for name in fields(place.kinds[kind])]
        for key in [key for key, _ in said] + keys_within(place.key, kind, call.recipe, said):
            inner = [f"{name}." for name in valid]
            if key.startswith(f"{place.key}.") and not f"{key}.".startswith(tuple(inner)):
                (near,) = get_close_matches(key, valid, 1, 0)
                raise PellucidError(f"unknown option {key} of {kind}; the nearest one is {near}")
