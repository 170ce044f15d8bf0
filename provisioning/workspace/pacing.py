"""At most so many calls in so many seconds, over all workers together."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ENDPOINT_WRITES = 50
"""Create and update operations that a workspace takes in `WINDOW` seconds (the model serving limits' page).

The page does not say which updates: so every call that writes to an endpoint counts, its tags and notifications
too. Deletions do not, and permissions are another API's."""

WINDOW = 300.0
"""Seconds."""


class Pace:
    """A sliding window that callers pass through one after another.

    Args:
        calls: how many may pass within the window.
        window: its length in seconds.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        calls: int = ENDPOINT_WRITES,
        *,
        window: float = WINDOW,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._window = window
        self._clock = clock
        self._passed: deque[float] = deque()
        self._door = threading.Lock()

    def wait(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Return as soon as one more call fits into the window.

        Args:
            sleep: pauses for so many seconds; what it raises lets the caller out again.
        """
        with self._door:  # held while sleeping: who comes later has to wait at least as long
            while len(self._passed) >= self._calls:
                rest = self._passed[0] + self._window - self._clock()
                if rest > 0:
                    sleep(rest)
                else:
                    self._passed.popleft()
            self._passed.append(self._clock())
