"""The measure of a call: tokens in and out, from what the answer reports, else estimated from its length."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DATA = b"data:"
_INPUT = ("prompt_tokens", "input_tokens", "promptTokenCount")
_OUTPUT = ("completion_tokens", "output_tokens", "candidatesTokenCount")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a call took."""

    given: int
    made: int

    @property
    def total(self) -> int:
        """Both."""
        return self.given + self.made


NONE = Tokens(0, 0)
"""Of a call that no model answered."""


def tokens(request: bytes, answer: bytes, *, is_stream: bool) -> Tokens:
    """Count a call's tokens.

    Args:
        request: The call's body.
        answer: The answer's body.
        is_stream: Whether the answer is an event stream.
    """
    given = made = 0
    for body in events(answer) if is_stream else _whole(answer):
        for usage in (
            body.get("usage"),
            body.get("usageMetadata"),
            (body.get("message") or {}).get("usage"),
            (body.get("response") or {}).get("usage"),
        ):
            if isinstance(usage, dict):  # streams report running totals
                given = max(given, _count(usage, _INPUT))
                made = max(made, _count(usage, _OUTPUT))
    return Tokens(given or estimate(request), made) if given or made else Tokens(estimate(request), estimate(answer))


def estimate(text: bytes) -> int:
    """Databricks' estimate where a provider reports none."""
    return (len(text) + 1) // 4


def events(answer: bytes) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of an event stream's `data:` lines."""
    for line in answer.splitlines():
        if line.startswith(_DATA):
            yield from _whole(line.removeprefix(_DATA))


def _whole(answer: bytes) -> Iterator[dict[str, Any]]:
    try:
        body = json.loads(answer)
    except (ValueError, RecursionError):
        return
    if isinstance(body, dict):
        yield {
            name: each for name, each in body.items() if name not in {"message", "response"} or isinstance(each, dict)
        }


def _count(usage: Mapping[str, Any], names: tuple[str, ...]) -> int:
    return next((max(0, int(usage[name])) for name in names if isinstance(usage.get(name), int)), 0)
