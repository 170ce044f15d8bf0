"""When custom models were called last, which decides whether they are scaled to zero."""

from __future__ import annotations


class LastCalls:
    """The last call of each served entity. Kept in memory: a restart ends what ran, and nothing runs unasked."""

    def __init__(self) -> None:
        self._at_ms: dict[tuple[str, str], int] = {}

    def note(self, endpoint_id: str, entity: str, *, now_ms: int) -> None:
        """Write down a call."""
        self._at_ms[endpoint_id, entity] = now_ms

    def of(self, endpoint_id: str, entity: str) -> int:
        """Return when an entity was called last, in milliseconds; 0 for never."""
        return self._at_ms.get((endpoint_id, entity), 0)
