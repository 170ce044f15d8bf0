"""Token usage: one reading for the four ways in which endpoints report it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

# What the API calls each counter. Where it says one in two places, the later of these tables is right: the Responses
# API's names and DeepSeek's, the details of input and output, and what OpenAI and Databricks count by.
_STAND_INS = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "reasoning_tokens": "reasoning_tokens",
}
_OF_INPUT = {"cached_tokens": "cache_read_tokens", "audio_tokens": "audio_input_tokens"}
_OF_OUTPUT = {"reasoning_tokens": "reasoning_tokens", "audio_tokens": "audio_output_tokens"}
_COUNTERS = {
    "prompt_tokens": "prompt_tokens",
    "completion_tokens": "completion_tokens",
    "total_tokens": "total_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one answer.

    `prompt_tokens` already includes what was read from and written to a prompt cache (litellm PR 15801): the cache
    counters are a part of it, not an addition to it.

    Attributes:
        prompt_tokens: tokens of the input, cached ones included.
        completion_tokens: tokens of the output, reasoning included.
        total_tokens: both.
        cache_read_tokens: part of the input that a prompt cache answered; None if not reported.
        cache_write_tokens: part of the input that was put into a prompt cache; None if not reported.
        reasoning_tokens: part of the output that was reasoning; None if not reported.
        audio_input_tokens: part of the input that was audio; None if not reported.
        audio_output_tokens: part of the output that is audio; None if not reported.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None

    def __add__(self, other: Usage) -> Usage:
        """Sum the usage of two answers; a counter neither reports stays None."""
        sums = {each.name: _plus(getattr(self, each.name), getattr(other, each.name)) for each in fields(self)}
        return Usage(**{name: total for name, total in sums.items() if total is not None})


class UsageReport:
    """Collects the usage of one answer from each object that carries some.

    Endpoints report in four styles: not at all unless asked, cumulative on every chunk, nulls until the last one, or
    once in a final chunk without choices. In all four the last number said of a counter is the true one, so later
    numbers replace earlier ones and nulls replace nothing. Nothing is ever summed.
    """

    def __init__(self) -> None:
        self._counters: dict[str, int] = {}

    def add(self, usage: object) -> None:
        """Take in the `usage` object of an answer or a chunk; anything but an object says nothing."""
        if not isinstance(usage, Mapping):
            return
        of_input = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
        of_output = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
        self._counters.update(_counted(usage, _STAND_INS))
        if isinstance(of_input, Mapping):
            self._counters.update(_counted(of_input, _OF_INPUT))
        if isinstance(of_output, Mapping):
            self._counters.update(_counted(of_output, _OF_OUTPUT))
        self._counters.update(_counted(usage, _COUNTERS))

    def total(self) -> Usage | None:
        """What was reported altogether, or None if nothing was.

        The total is recomputed where the server's own is missing or stale (it left it null, or sent it earlier than
        the completion's last count).
        """
        if not self._counters:
            return None
        parts = self._counters.get("prompt_tokens", 0) + self._counters.get("completion_tokens", 0)
        return Usage(**{**self._counters, "total_tokens": max(parts, self._counters.get("total_tokens", 0))})


def read_usage(usage: object) -> Usage | None:
    """Read the `usage` object of a whole answer; None if it says nothing."""
    report = UsageReport()
    report.add(usage)
    return report.total()


def _counted(holder: Mapping[str, object], names: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Yield the counters that an object says in numbers; some servers put nulls, words or NaN there."""
    for name, counter in names.items():
        count = holder.get(name)
        if isinstance(count, (int, float)) and not isinstance(count, bool) and abs(count) < math.inf:
            yield counter, int(count)


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)
