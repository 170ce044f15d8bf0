"""What the process does behind one's back: files that it opens, hosts that it looks up or connects to."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Seen = list[tuple[str, object]]


class Watch:
    """Hears some of Python's audit events, while it is on.

    A hook cannot be taken off again: so there is one in a module, which is on at times.

    Args:
        events: the position, by the event's name, of the argument that is kept.
    """

    def __init__(self, events: dict[str, int]) -> None:
        self._events = events
        self._seen: Seen | None = None
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._seen is not None and event in self._events:
            self._seen.append((event, arguments[self._events[event]]))

    @contextmanager
    def __call__(self) -> Iterator[Seen]:
        """Listen; yield the events with their arguments, in their order."""
        self._seen = seen = []
        try:
            yield seen
        finally:
            self._seen = None
