"""Checks of configuration records: of what would pass in silence, or fail deep inside."""

from dataclasses import fields
from functools import cache
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from pellucid.errors import ConfigError


def refuse_unknown_choices(record: object) -> None:
    """Raise ConfigError where a field that is a closed choice holds something else."""
    for name, known in _choices(cast(type[Any], type(record))).items():
        if getattr(record, name) not in known:
            valid = ", ".join(map(str, known))
            raise ConfigError(f"{name} is {getattr(record, name)}; expected one of {valid}")


@cache
def _choices(kind: type[Any]) -> dict[str, tuple[object, ...]]:
    hints = get_type_hints(kind)
    return {
        field.name: get_args(hints[field.name])
        for field in fields(kind)
        if get_origin(hints[field.name]) is Literal
    }


def refuse_below(record: object, least: int, *names: str) -> None:
    """Raise ConfigError where a field, or a value of one that has several, is less than that."""
    for name in names:
        values = _values(record, name)
        if not values or min(values) < least:
            shown = ", ".join(f"{each:g}" for each in values) or "empty"
            raise ConfigError(f"{name} is {shown}; expected {least} or more")


def refuse_empty(record: object, *names: str) -> None:
    """Raise ConfigError where a field that holds several has none."""
    for name in names:
        if not getattr(record, name):
            raise ConfigError(f"{name} is empty; expected one or more")


def refuse_not_positive(record: object, *names: str) -> None:
    """Raise ConfigError where a number or a range is not above 0, or a range runs down."""
    for name in names:
        values = _values(record, name)
        if not 0 < values[0] <= values[-1] < float("inf"):
            shown = " to ".join(f"{each:g}" for each in values)
            expected = "above 0" if len(values) == 1 else "numbers above 0, the lower one first"
            raise ConfigError(f"{name} is {shown}; expected {expected}")


def _values(record: object, name: str) -> tuple[float, ...]:
    """The number of a field, or its numbers."""
    value: float | tuple[float, ...] = getattr(record, name)
    return value if isinstance(value, tuple) else (value,)
