"""JSON as servers write it."""

from __future__ import annotations

import json
from collections.abc import Mapping


def parse(text: str | bytes) -> object:
    """Read a JSON text.

    It may hold half of a surrogate pair, where a server has cut a text between the two: a string that no encoding can
    write, to a terminal, a file or the next request. It becomes a replacement character.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    value = json.loads(text)
    marks = (b"\\ud", b"\\uD") if isinstance(text, bytes) else ("\\ud", "\\uD")
    return _encodable(value) if marks[0] in text or marks[1] in text else value  # type: ignore[operator]  # both are of its kind


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_encodable(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _encodable(each) for name, each in value.items()}
    return value
