"""How many calls an endpoint takes at a time, learnt from what it refuses, and shared by all who call it.

Clients of one process that call the same endpoint with the same credentials share what they learn: the limit is the
endpoint's, or its gateway's for that user. Who calls as somebody else does not wait for them.
"""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from chat.errors import CallTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_NARROWER = 0.7
_MOST = 1024


class Place:
    """A call's place among those that run, or its turn in the queue for one.

    Args:
        limiter: whose.
        wake: called when the place is free, from whichever thread freed it; False if nobody waits for it any more.
    """

    def __init__(self, limiter: Limiter, wake: Callable[[], bool]) -> None:
        self._limiter = limiter
        self.wake = wake

    @property
    def taken(self) -> bool:
        """Whether the call may run."""
        return self in self._limiter.running

    def leave(self) -> None:
        """Give the place, or the turn, to the next; may be called again."""
        self._limiter.leave(self)

    def refused(self, *, began: float, now: float) -> None:
        """Take in that the call was refused for there being too many; times are by the clock."""
        self._limiter.narrow(began=began, now=now)

    def answered(self) -> None:
        """Take in that the call was answered."""
        self._limiter.widen()


class Limiter:
    """Admits as many calls at a time as the endpoint has shown to take; without a refusal, any number.

    A 429 narrows the limit below what was running; each answer widens it a little, so that a limit which was raised is
    found again. Who waits is admitted in the order of coming, and woken: nobody asks again and again.

    Attributes:
        limit: how many calls may run at a time.
        running: the places of those that do.
        waiting: those that wait for a place, the first first.
    """

    def __init__(self) -> None:
        self.limit = math.inf
        self._narrowed_at = -math.inf
        self.forget()

    def forget(self) -> None:
        """Forget all calls, but not what they have shown."""
        self.running: set[Place] = set()
        self.waiting: deque[Place] = deque()
        # Re-entrant: an abandoned stream leaves its place whenever the garbage collector finds it, in here as well.
        self._lock = threading.RLock()

    def enter_at_once(self) -> Place | None:
        """Take a place if one is free; None if there is a turn to be waited for, with `enter`."""
        with self._lock:
            if self.waiting or len(self.running) >= self.limit:
                return None
            place = Place(self, _wake_nobody)
            self.running.add(place)
        return place

    def enter(self, wake: Callable[[], bool]) -> Place:
        """Take a place, or a turn in the queue; see `Place`."""
        with self._lock:
            place = self.enter_at_once()
            if place is None:
                place = Place(self, wake)
                self.waiting.append(place)
        return place

    def leave(self, place: Place) -> None:
        """Free a place or a turn."""
        with self._lock:
            if place in self.running:
                self.running.remove(place)
            elif place in self.waiting:
                self.waiting.remove(place)
            self._admit()

    def narrow(self, *, began: float, now: float) -> None:
        """Take in that a call was refused for there being too many.

        Args:
            began: when it was sent. Calls refused together are one refusal: only those sent since count as another.
            now: the time.
        """
        with self._lock:
            if began >= self._narrowed_at:
                self.limit = max(1.0, min(self.limit, len(self.running)) * _NARROWER)
                self._narrowed_at = now

    def widen(self) -> None:
        """Take in that a call was answered: as many answers as calls run at a time make room for one more."""
        if self.limit == math.inf:
            return
        with self._lock:
            self.limit += 1 / self.limit
            self._admit()

    def _admit(self) -> None:
        while self.waiting and len(self.running) < self.limit:
            place = self.waiting.popleft()
            self.running.add(place)
            if not place.wake():
                self.running.discard(place)  # its event loop is gone


class Limiters:
    """The limiters of a process."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, Limiter] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, clock: Callable[[], float], host: str, endpoint: str, credential: str) -> Limiter:
        """Return the limiter for an endpoint and who calls it.

        Args:
            clock: what the callers' times are by; those of different clocks cannot be compared.
            host: scheme, host and port.
            endpoint: the endpoint's name.
            credential: the bare token; it is not kept.
        """
        key = (clock, host, endpoint, hash(credential))  # those of one hash would only queue together
        known = self._known.get(key)
        if known is not None:
            return known
        with self._lock:
            while len(self._known) >= _MOST:
                self._known.popitem(last=False)  # who calls there now goes on with it
            return self._known.setdefault(key, Limiter())

    def forget(self) -> None:
        """Forget all calls: after a fork, the parent's are not this process's, and its locks may be held for ever."""
        self._lock = threading.Lock()
        for limiter in self._known.values():
            limiter.forget()


def no_place(endpoint: str, seconds: float, limiter: Limiter) -> CallTimeoutError:
    """Make the error of a call that waited in vain for a place.

    Args:
        endpoint: the endpoint's name.
        seconds: how long it waited.
        limiter: what it waited for.
    """
    return CallTimeoutError(
        f"Endpoint {endpoint!r} takes {limiter.limit:.0f} calls at a time, and none made room within {seconds:g} s.",
        remedy="Call less at a time, or ask for a higher limit.",
    )


def _wake_nobody() -> bool:
    return True


LIMITERS = Limiters()
"""This process's."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=LIMITERS.forget)
