"""When to try again, how long to wait before, and what is remembered of an endpoint between calls."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chat.errors import (
    ChatError,
    ConnectionFailedError,
    RateLimitedError,
    StreamCutError,
    UnavailableError,
    UnreachableError,
)
from chat.wire import OwnRoute, read_own_route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PASSING = (RateLimitedError, UnavailableError, ConnectionFailedError, StreamCutError)
"""Errors that pass: the same request may succeed in a moment, or at another endpoint."""

FIRST_CONTACT = 5.0
"""Seconds for which to try a host that has never answered: its address is likelier wrong than its server away."""

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0


@dataclass(slots=True)
class Memory:
    """What is known of one endpoint from earlier calls.

    Attributes:
        refused: parameters that its model refused; they are left out from then on.
        ready: whether it was seen ready.
        reached: whether it has ever answered.
        open_at: when, by the clock, it takes calls again after it said Retry-After. All calls of a client heed it, so
            that one refusal teaches them all.
        route: the route of its own, if it is known to have one.
        looked: whether its state was looked at, so that it is known whether it has.
    """

    refused: set[str] = field(default_factory=set)
    ready: bool = False
    reached: bool = False
    open_at: float = 0.0
    route: OwnRoute | None = None
    looked: bool = False

    def learn(self, endpoint: Mapping[str, object] | None) -> None:
        """Take in what was seen of the endpoint: its JSON object, or None if it was not found."""
        self.route, self.looked = read_own_route(endpoint), True


class Attempts:
    """The attempts of one call.

    Args:
        deadline: when, by the clock, no further attempt begins.
        contact_by: the same for a host that has never answered.
        limit: how many retries at most; None leaves it to the deadline.
        clock: a monotonic clock, in seconds.
        jitter: a random number from 0 to 1, so that callers who failed together do not return together.
        cold_until: until when, by the clock, an endpoint that is unavailable may be starting: `limit` is for failures,
            and that is none yet.
    """

    def __init__(
        self,
        *,
        deadline: float,
        contact_by: float,
        limit: int | None,
        clock: Callable[[], float],
        jitter: Callable[[], float],
        cold_until: float = -math.inf,
    ) -> None:
        self._deadline = deadline
        self._contact_by = contact_by
        self._limit = limit
        self._clock = clock
        self._jitter = jitter
        self._cold_until = cold_until
        self._made = self._counted = 0

    @property
    def now(self) -> float:
        """The time, by the clock."""
        return self._clock()

    def pause_after(self, error: ChatError, memory: Memory) -> float | None:
        """Decide how long to wait after a failure that passes, or None to give up.

        Giving up comes at once when what the server asks to wait goes past the deadline: waiting in vain helps nobody.
        """
        if not (isinstance(error, UnavailableError) and self._clock() < self._cold_until):
            if self._limit is not None and self._counted >= self._limit:
                return None
            self._counted += 1
        pause = self._pause(error.retry_after)
        if error.retry_after is not None:
            memory.open_at = max(memory.open_at, self._clock() + error.retry_after)
        self._made += 1
        unknown = isinstance(error, UnreachableError) and not memory.reached
        return pause if self._clock() + pause <= (self._contact_by if unknown else self._deadline) else None

    def extend(self, seconds: float) -> None:
        """Let attempts begin for so many seconds from now, if they might not anyway."""
        self._deadline = max(self._deadline, self._clock() + seconds)

    def anew(self, *, retry_for: float, limit: int | None) -> Attempts:
        """Begin to count anew, for a call that has come further.

        Args:
            retry_for: seconds from now after which no further attempt begins.
            limit: how many retries at most.
        """
        deadline = self._clock() + retry_for
        return Attempts(deadline=deadline, contact_by=deadline, limit=limit, clock=self._clock, jitter=self._jitter)

    def pause_before(self, memory: Memory) -> float:
        """How long to hold a call back because the endpoint asked another one to wait; 0 if it did not."""
        now = self._clock()
        if memory.open_at <= now:
            return 0.0
        return max(0.0, min(memory.open_at, self._deadline) - now)

    def _pause(self, asked: float | None) -> float:
        if asked is not None:
            return asked + self._jitter() * min(1.0, asked / 10)
        return float(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**self._made)) * (0.5 + self._jitter() / 2)
