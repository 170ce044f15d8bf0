"""The workspace's time: the machine's, plus what a test has advanced."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """A clock that can be moved forward and never back.

    Args:
        source: seconds since the epoch; the machine's by default.
    """

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._ahead = 0.0

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self._source() + self._ahead

    def now_ms(self) -> int:
        """Return whole milliseconds since the epoch, as the API writes timestamps."""
        return int(self.now() * 1000)

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass at once.

        Raises:
            ValueError: `seconds` is negative: stored timestamps would lie in the future.
        """
        if seconds < 0:
            raise ValueError(f"a clock cannot be moved back ({seconds} s)")
        self._ahead += seconds
