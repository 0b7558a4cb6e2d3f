"""What a recipe says, and its options: records that their `kind` tells apart."""
# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path, PurePath
from typing import Any, NamedTuple, cast

import yaml
from jsonargparse import get_loader, set_dumper, set_loader

from pellucid.errors import FileError
from pellucid.training.recipe_places import (
    BY_CLASS,
    CLASSES,
    KINDS,
    PLACES,
    PLAIN,
    Place,
    has_kind,
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

SECTIONS = ("model", "data", "trainer")


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


def read(text: str) -> object:
    """The value of YAML; None where it is none, which is answered when the recipe is parsed."""
    try:
        return cast(object, get_loader("yaml")(text))
    except yaml.YAMLError:
        return None


def said_at(place: str, text: str) -> object:
    """What a recipe says at a place; None where it says nothing there."""
    value = read(text)
    for name in place.split("."):
        value = cast(dict[str, object], value).get(name) if isinstance(value, dict) else None
    return value
