"""A small language for request bodies: which fields there are, of which type and range, and what is wrong with them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from local_workspace.upstreams.simulators.openai_errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = {
    "string": "a string", "integer": "an integer", "decimal": "a decimal", "boolean": "a boolean",
    "array": "an array", "object": "an object", "null": "null",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """A string, or one of a few."""

    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a range."""

    lowest: float = -math.inf
    highest: float = math.inf
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean."""


@dataclass(frozen=True, slots=True)
class Items:
    """An array of one kind of value."""

    of: Rule
    fewest: int = 0
    most: float = math.inf


@dataclass(frozen=True, slots=True)
class Fields:
    """An object. `known` maps its fields to their rules; unless `is_open`, others are refused."""

    known: Mapping[str, Rule] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Either:
    """One of several kinds of value, told apart by their JSON type."""

    rules: tuple[Rule, ...]


Rule: TypeAlias = "Text | Number | Flag | Items | Fields | Either"


def check(value: object, rule: Rule, *, path: str = "") -> None:
    """Check a value; null is allowed wherever a field is optional, as in OpenAI's API.

    Args:
        value: The JSON value.
        rule: What it must be.
        path: Where it stands, for the message (`messages[0].role`).

    Raises:
        RefusedError: A 400 that says what is wrong, in OpenAI's words.
    """
    if isinstance(rule, Either):
        rule = _matching(value, rule, path)
    if not _is_of_type(value, rule):
        raise _wrong_type(value, (rule,), path)
    match rule, value:
        case Text(options=options), str() if options and value not in options:
            supported = _listed([f"'{option}'" for option in options])
            message = f"Invalid value: '{value[:64]}'. Supported values are: {supported}."
            raise RefusedError(400, message, param=path, code="invalid_value")
        case Number(), int() | float():
            _check_range(value, rule, path)
        case Items(), list():
            _check_items(value, rule, path)
        case Fields(), dict():
            _check_fields(value, rule, path)
        case _:
            pass


def _matching(value: object, either: Either, path: str) -> Rule:
    for rule in either.rules:
        if _is_of_type(value, rule):
            return rule
    raise _wrong_type(value, either.rules, path)


def _is_of_type(value: object, rule: Rule) -> bool:
    match rule:
        case Text():
            return isinstance(value, str)
        case Number(whole=whole):
            kind = int if whole else (int, float)
            return isinstance(value, kind) and not isinstance(value, bool)
        case Flag():
            return isinstance(value, bool)
        case Items():
            return isinstance(value, list)
        case Fields():
            return isinstance(value, dict)
        case Either(rules=rules):
            return any(_is_of_type(value, each) for each in rules)


def _check_range(value: float, rule: Number, path: str) -> None:
    kind = "integer" if rule.whole else "decimal"
    if value > rule.highest:
        problem, bound = f"above maximum value. Expected a value <= {rule.highest:g}", "above_max"
    elif value < rule.lowest:
        problem, bound = f"below minimum value. Expected a value >= {rule.lowest:g}", "below_min"
    else:
        return
    message = f"Invalid '{path}': {kind} {problem}, but got {value} instead."
    raise RefusedError(400, message, param=path, code=f"{kind}_{bound}_value")


def _check_items(value: list[Any], rule: Items, path: str) -> None:
    if rule.fewest and not value:
        message = (
            f"Invalid '{path}': empty array. Expected an array with minimum length {rule.fewest}, "
            "but got an empty array instead."
        )
        raise RefusedError(400, message, param=path, code="empty_array")
    if len(value) > rule.most:
        message = (
            f"Invalid '{path}': array too long. Expected an array with maximum length {rule.most:g}, "
            f"but got an array with length {len(value)} instead."
        )
        raise RefusedError(400, message, param=path, code="array_above_max_length")
    for index, item in enumerate(value):
        check(item, rule.of, path=f"{path}[{index}]")


def _check_fields(value: dict[str, Any], rule: Fields, path: str) -> None:
    prefix = f"{path}." if path else ""
    for name in rule.required:
        if value.get(name) is None:
            where = f"{prefix}{name}"
            raise RefusedError(
                400, f"Missing required parameter: '{where}'.", param=where, code="missing_required_parameter"
            )
    for name, item in value.items():
        where = f"{prefix}{name}"
        if name in rule.known:
            if item is not None:
                check(item, rule.known[name], path=where)
        elif not rule.is_open:
            raise RefusedError(400, f"Unknown parameter: '{where[:64]}'.", param=where[:64], code="unknown_parameter")


def _wrong_type(value: object, rules: tuple[Rule, ...], path: str) -> RefusedError:
    expected = _listed([_NAMES[_type_of_rule(rule)] for rule in rules], joined_by="or").replace(", or", " or")
    message = f"Invalid type for '{path}': expected {expected}, but got {_NAMES[_type_of_value(value)]} instead."
    return RefusedError(400, message, param=path, code="invalid_type")


def _listed(words: list[str], *, joined_by: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])}, {joined_by} {words[-1]}"


def _type_of_rule(rule: Rule) -> str:
    match rule:
        case Text():
            return "string"
        case Number(whole=whole):
            return "integer" if whole else "decimal"
        case Flag():
            return "boolean"
        case Items():
            return "array"
        case Fields() | Either():
            return "object"


def _type_of_value(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int():
            return "integer"
        case float():
            return "decimal"
        case list():
            return "array"
        case _:
            return "object"
