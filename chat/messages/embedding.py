"""Embeddings: the vectors of some texts, in the texts' order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chat.messages.usage import Usage


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The vectors of some texts.

    Attributes:
        vectors: one for each text, in the texts' order.
        usage: the tokens used, or None if the endpoint did not say.
        model: the model that made them.
    """

    vectors: tuple[list[float], ...]
    usage: Usage | None = None
    model: str | None = None


def read_vectors(data: object) -> tuple[list[float], ...]:
    """Read an answer's `data`; its entries say their place themselves, since a server may send them in any order."""
    entries = [each for each in data if isinstance(each, Mapping)] if isinstance(data, list) else []
    placed = [
        (place if isinstance(place := entry.get("index"), int) else position, entry.get("embedding"))
        for position, entry in enumerate(entries)
    ]
    return tuple(vector for _, vector in sorted(placed, key=lambda each: each[0]) if isinstance(vector, list))
