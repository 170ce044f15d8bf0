"""Access that is got once, kept while it is fresh, and got anew when it is refused."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from chat.wire import Access


class Grant(NamedTuple):
    """What was got.

    Attributes:
        access: where to, and as whom.
        seconds: for how long it may be used without asking again.
    """

    access: Access
    seconds: float


class Renewal:
    """One access, shared by all who need it: however many ask at once, one gets it for all.

    Args:
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._kept: Access | None = None
        self._until = 0.0

    @property
    def fresh(self) -> bool:
        """Whether there is an access that needs no asking."""
        return self._kept is not None and self._clock() < self._until

    def access(self, get: Callable[[bool], Grant], *, refused: Access | None) -> Access | None:
        """Return the access that is kept, or get one.

        Args:
            get: gets it; told whether the one before was refused although it was fresh.
            refused: what the server has just refused to take. If it is not what is kept, another caller has renewed
                it in the meantime.

        Returns:
            The access; None if what was refused is all that there is to be had.
        """
        kept = self._kept
        if kept is not None and kept != refused and self._clock() < self._until:
            return kept
        with self._own_lock():
            spurned = refused is not None and self._kept == refused
            if self._kept is None or spurned or self._clock() >= self._until:
                grant = get(spurned)
                self._kept, self._until = grant.access, self._clock() + grant.seconds
            return None if self._kept == refused else self._kept

    def _own_lock(self) -> threading.Lock:
        if self._process != os.getpid():
            # Forked while another thread was logging in: that thread is not here to release the lock.
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock
