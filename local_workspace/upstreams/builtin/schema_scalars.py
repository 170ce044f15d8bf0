"""Candidates for the strings and numbers of a JSON Schema instance, the most meaningful first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.builtin import pattern_samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local_workspace.upstreams.builtin.hints import Hints

_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "ann@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
}
_SPREAD = 1000  # how far from a bound numbers are tried


def strings(schema: Mapping[str, Any], *, name: str, hints: Hints) -> Iterator[str]:
    """Yield strings for a field: what the user said, then what the schema's own words suggest."""
    if (known := _FORMATS.get(schema.get("format", ""))) is not None:
        said = hints.formatted(schema["format"])
        yield from filter(None, (said, known))
        return
    if "pattern" in schema:
        yield from filter(None, (hints.string(name),))
        yield from pattern_samples.samples(schema["pattern"])
        return
    readable = name.replace("_", " ").strip() or "text"
    topic = hints.topic()
    suggestions = (hints.string(name), f"{readable.capitalize()} about {topic}" if topic else None, readable)
    for suggestion in filter(None, suggestions):
        yield suggestion
        yield _fit(suggestion, schema)
    yield _fit("", schema)


def numbers(schema: Mapping[str, Any], *, name: str, hints: Hints, whole: bool) -> Iterator[float]:
    """Yield numbers for a field: what the user said, then the smallest plain ones in its range."""
    if (said := hints.number(name)) is not None:
        yield said
    lowest = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
    highest = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf))
    step = schema.get("multipleOf") or 1
    yield from (1, 0, step)
    if lowest > -math.inf:
        yield from _from_bound(lowest, step)
    if highest < math.inf:
        yield from _from_bound(highest, -step)
    yield from range(2, _SPREAD)  # for items that must differ
    if not whole and -math.inf < lowest and highest < math.inf:
        yield from (lowest, highest, (lowest + highest) / 2)


def _from_bound(bound: float, step: float) -> Iterator[float]:
    size = abs(step)
    nearest = math.ceil(bound / size) if step > 0 else math.floor(bound / size)
    direction = 1 if step > 0 else -1
    for count in range(_SPREAD):
        yield (nearest + direction * count) * size


def _fit(text: str, schema: Mapping[str, Any]) -> str:
    """Pad or cut a text to the lengths that a schema allows."""
    padded = text.ljust(schema.get("minLength", 0), ".")
    return padded[: schema["maxLength"]] if "maxLength" in schema else padded
