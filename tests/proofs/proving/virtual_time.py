"""Waits that take no time: the SDK's between two tries, and those for an endpoint."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest
from databricks.sdk.clock import RealClock

from provisioning import runner
from provisioning.execution.context import Context
from provisioning.workspace import gate

if TYPE_CHECKING:
    from collections.abc import Iterator


class VirtualTime:
    """A clock that runs as the machine's, and is put forward instead of being slept on.

    Attributes:
        ahead: seconds that were skipped.
    """

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return time.time() + self.ahead

    def sleep(self, seconds: float) -> None:
        """Skip so many seconds, and let other threads have a turn."""
        self.ahead += seconds
        time.sleep(0)


@contextmanager
def virtual_time() -> Iterator[VirtualTime]:
    """Let `provisioning` wait on a virtual clock."""
    clock = VirtualTime()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "time", clock.time)
        patch.setattr(gate, "sleep", clock.sleep)
        # what the SDK asks a host of its own accord, to log in, goes by the machine's clock
        patch.setattr(RealClock, "time", lambda _self: clock.time())
        patch.setattr(RealClock, "sleep", lambda _self, seconds: clock.sleep(seconds))
        patch.setattr(runner, "Context", partial(Context, clock=clock.time, pause=clock.sleep))
        yield clock
