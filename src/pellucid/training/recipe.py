"""What a recipe says: records that their `kind` tells apart, and answers to unknown words."""
# pyright: reportUnknownMemberType=false

import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from inspect import getmembers, isclass, signature
from itertools import zip_longest
from pathlib import Path, PurePath
from typing import Any, NamedTuple, cast

import yaml
from jsonargparse import get_loader, set_dumper, set_loader
from lightning.pytorch.cli import LightningArgumentParser

from pellucid.errors import FileError, PellucidError
from pellucid.training.recipe_places import (
    BY_CLASS,
    CLASSES,
    KINDS,
    PLACES,
    PLAIN,
    Kinds,
    Place,
    has_kind,
    records_of,
)


def load(text: str) -> Any:
    """A recipe, or the value of an option, out of YAML."""
    return with_classes(get_loader("yaml")(text))


def dump(recipe: dict[str, Any]) -> str:
    """A recipe as YAML, in the order that it has."""
    return yaml.safe_dump(
        with_words(with_kinds(recipe)), sort_keys=False, allow_unicode=True, width=100
    )


def with_classes(value: Any) -> Any:
    """The value with records that have a kind named by their classes.

    jsonargparse takes a record without a class for one of the default's.
    """
    return mapped(value, lambda said: named(said) if said.get("kind") in KINDS else said, PLAIN)


def named(said: dict[str, Any]) -> dict[str, Any]:
    """A record that has a kind, as jsonargparse names it."""
    kind = said["kind"]
    own = said if has_kind(KINDS[kind]) else {k: v for k, v in said.items() if k != "kind"}
    return {"class_path": CLASSES[kind], "init_args": own}


def with_kinds(value: Any) -> Any:
    """The inverse of `with_classes`."""

    def bare(said: dict[str, Any]) -> dict[str, Any]:
        kind, own = BY_CLASS.get(said.get("class_path", "")), said.get("init_args", {})
        return said if kind is None else own if "kind" in own else {"kind": kind, **own}

    return mapped(value, bare)


def with_words(value: Any) -> Any:
    """The value with paths as text; jsonargparse leaves those of an option's record as they are."""
    if isinstance(value, dict):
        return {key: with_words(item) for key, item in cast(dict[str, Any], value).items()}
    if isinstance(value, list | tuple):
        return [with_words(item) for item in cast(list[Any], value)]
    return str(value) if isinstance(value, PurePath) else value


def mapped(
    value: Any,
    change: Callable[[dict[str, Any]], dict[str, Any]],
    plain: frozenset[str] = frozenset(),
) -> Any:
    """The value with every mapping in it changed, the inner ones first, but for `plain` keys."""
    if isinstance(value, list):
        return [mapped(item, change, plain) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        pairs = cast(dict[str, Any], value).items()
        inner = {key: item if key in plain else mapped(item, change, plain) for key, item in pairs}
        return change(inner)
    return value


set_loader("recipe", load, (yaml.YAMLError,))
set_dumper("recipe", dump)

UNKNOWN = re.compile(r"--([\w.]+)|[Kk]ey \"?'?([\w.]+)\"?'? is not expected|[Oo]ption '([\w.]+)'")
SECTIONS = ("model", "data", "trainer")
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


def refuse_no_recipe(path: Path) -> None:
    """Raise FileError for a file that is no recipe; jsonargparse would say less, or fail within."""
    try:
        said = cast(object, yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise FileError.of(path, f"cannot be read ({error}); expected a recipe in YAML") from error
    if not isinstance(said, dict):
        raise FileError.of(path, f"holds {said or 'nothing'}; expected entries such as model: {{}}")
    for name in SECTIONS:
        section = cast(dict[str, object], said).get(name, {})
        if not isinstance(section, dict):
            raise FileError.of(path, f"{name} is {section}; expected entries such as {name}: {{}}")


class Call(NamedTuple):
    """What a user called: a recipe's text, and the words after it."""

    recipe: str
    words: list[str]

    @classmethod
    def of(cls, words: list[str]) -> "Call":
        """Of `--config=RECIPE` and what follows; no text where there is no such file."""
        path = Path(words[0].removeprefix("--config="))
        return cls(path.read_text() if path.is_file() else "", words[1:])

    @property
    def training(self) -> str:
        """The kind of training that is asked for, whether there is such a one or not."""
        said = [value for key, value in options(self.words) if key == "training"]
        return said[-1] if said else str(said_at("training", self.recipe) or "raw")

    def spelled_out(self) -> "Call":
        """The call with `--place.kind K` as `--place {kind: K}` for records without that field."""
        short = {
            f"--{place.key}.kind": place.key
            for place in self.places
            if not any(map(has_kind, place.kinds.values()))
        }
        return Call(self.recipe, list(whole_records(self.words, short)))

    @property
    def places(self) -> tuple[Place, ...]:
        """Where the recipe holds records that have a kind."""
        return PLACES.get(self.training, ())


def whole_records(words: list[str], short: dict[str, str]) -> Iterator[str]:
    """The words, with a record in place of its kind; `short` names the records by option."""
    following = iter(words)
    for word in following:
        name, equals, value = word.partition("=")
        if name in short:
            kind = value if equals else next(following, "")
            yield f"--{short[name]}={{kind: {kind}}}"
        else:
            yield word


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
        for key, _ in said:
            inner = [f"{name}." for name in valid]
            if key.startswith(f"{place.key}.") and not f"{key}.".startswith(tuple(inner)):
                (near,) = get_close_matches(key, valid, 1, 0)
                raise PellucidError(f"unknown option {key} of {kind}; the nearest one is {near}")


def last_kind(place: Place, recipe: str, said: list[tuple[str, str]]) -> str | None:
    """The kind of the record at a place, by the recipe and then by the options."""
    found = said_at(f"{place.key}.kind", recipe)
    kind = place.unsaid if found is None else str(found)
    for key, value in said:
        if key == place.key:
            kind = str(said_at("kind", value) or kind)
        elif key == f"{place.key}.kind":
            kind = value
    return kind


def options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Names and values of a command line's options."""
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        if word.startswith("--"):
            key, equals, value = word[2:].partition("=")
            yield key, value if equals else following


def said_at(place: str, text: str) -> object:
    """What a recipe says at a place; None where it says nothing there."""
    try:
        value = cast(object, get_loader("yaml")(text))
    except yaml.YAMLError:
        return None  # answered when the recipe is parsed
    for name in place.split("."):
        value = cast(dict[str, object], value).get(name) if isinstance(value, dict) else None
    return value
