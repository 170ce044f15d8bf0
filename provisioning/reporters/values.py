"""How single values look in text output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from provisioning.model.inert import inert
from provisioning.model.plan import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

SYMBOLS: Mapping[Action, str] = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "±",
    Action.DELETE: "-",
    Action.ADOPT: "»",
}

_LONGEST_VALUE = 120


class Paint(Protocol):
    """Colours a text, or leaves it as it is."""

    def __call__(self, text: str, *, style: str) -> str:
        """Return the text in a style: `good`, `change`, `bad`, `faint` or `strong`."""


def plain(text: str, *, style: str) -> str:
    """Leave a text as it is."""
    del style
    return text


STYLES: Mapping[Action, str] = {
    Action.CREATE: "good",
    Action.UPDATE: "change",
    Action.REPLACE: "bad",
    Action.DELETE: "bad",
    Action.ADOPT: "change",
}


def shown(value: JsonValue) -> str:
    """Return a value on one line, without anything that acts on a terminal."""
    if value is None:
        return "(none)"
    if value == "":
        return '""'
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return inert(text, limit=_LONGEST_VALUE)


def duration(seconds: float) -> str:
    """Return a span of time as people write it."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
