"""How answers are read: lists that may be missing, numbers that may be text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue


def objects_in(answer: Mapping[str, JsonValue], key: str) -> list[Mapping[str, JsonValue]]:
    """Return the objects in a list field; an empty list is sent as nothing at all."""
    listed = answer.get(key)
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def object_in(answer: Mapping[str, JsonValue], key: str) -> Mapping[str, JsonValue]:
    """Return the object in a field; missing is empty."""
    found = answer.get(key)
    return found if isinstance(found, dict) else {}


def text(value: JsonValue) -> str:
    """Read a text field; missing is empty."""
    return value if isinstance(value, str) else ""


def integer(value: JsonValue) -> int:
    """Read an int64 field, which the API writes as a number or as text; missing is 0."""
    try:
        return int(value) if isinstance(value, (int, str)) else 0
    except ValueError:
        return 0


def tags_of(body: Mapping[str, JsonValue], *, field: str = "tags") -> dict[str, str]:
    """Return an endpoint's tags, or those that a call adds (`add_tags`)."""
    return {text(tag.get("key")): text(tag.get("value")) for tag in objects_in(body, field)}
