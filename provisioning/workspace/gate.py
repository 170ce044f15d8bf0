"""When the workspace says "not now" to one worker, all of them wait.

The SDK sleeps by the clock of its configuration before it tries again: for a 429 or 503 as long as the workspace
asks for, for a lost connection a little longer each time. This clock remembers until when.
"""

from __future__ import annotations

from time import sleep, time

from provisioning.workspace.sdk import Clock


class Gate(Clock):
    """A clock whose sleeps close a gate that every call passes. Safe to share among threads."""

    def __init__(self) -> None:
        self._closed_until = 0.0

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return time()

    def sleep(self, seconds: float) -> None:
        """Close the gate for so many seconds, and wait there."""
        self._closed_until = max(self._closed_until, self.time() + seconds)
        sleep(seconds)

    def wait(self) -> None:
        """Return when the gate is open."""
        rest = self._closed_until - self.time()
        if rest > 0:
            sleep(rest)
