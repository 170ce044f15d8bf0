"""The workspace's time: the machine's, plus what a test has advanced."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FARTHEST = 100 * 365 * 86_400
"""How many seconds ahead it can be: timestamps in milliseconds must fit the store's 64 bits."""


class Clock:
    """A clock that can be moved forward and never back.

    Args:
        source: seconds since the epoch; the machine's by default.
    """

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._ahead = 0.0
        self._keepers: list[Callable[[float], None]] = []

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self._source() + self._ahead

    def now_ms(self) -> int:
        """Return whole milliseconds since the epoch, as the API writes timestamps."""
        return int(self.now() * 1000)

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass at once.

        Raises:
            ValueError: `seconds` is negative: stored timestamps would lie in the future; or it is more than a
                hundred years in all.
        """
        if not 0 <= seconds <= _FARTHEST - self._ahead:
            raise ValueError("a clock can be moved forward by a hundred years in all, and never back")
        self._ahead += seconds
        for keep in self._keepers:
            keep(self._ahead)

    @contextmanager
    def kept(self, ahead: float, *, keep: Callable[[float], None]) -> Iterator[None]:
        """Go on from where an earlier run had advanced to, and have each advance of the block written down.

        Without that, what the earlier run wrote would lie in the future, and what was deployed would not be yet.

        Args:
            ahead: seconds ahead of the source, as kept last.
            keep: writes down how many they are now.
        """
        self._ahead = max(self._ahead, ahead)
        self._keepers.append(keep)
        try:
            yield
        finally:
            self._keepers.remove(keep)
