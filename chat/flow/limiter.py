"""How many calls an endpoint takes at a time, learnt from what it refuses."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

_NARROWER = 0.7
_SHORTEST_HOLD = 0.02
_LONGEST_HOLD = 1.0


@dataclass(slots=True)
class Limiter:
    """Admits as many calls at a time as the endpoint has shown to take; without a refusal, any number.

    A 429 narrows the limit below what was running; each answer widens it a little, so that a limit which was raised is
    found again. Its sets are changed by single operations, which need no lock between threads.

    Attributes:
        limit: how many calls may run at a time.
        running: those that do.
        held: those that wait for a place.
        narrowed_at: when, by the clock, the limit was last narrowed.
    """

    limit: float = math.inf
    running: set[object] = field(default_factory=set)
    held: set[object] = field(default_factory=set)
    narrowed_at: float = -math.inf

    def hold(self, call: object, *, chance: float) -> float:
        """Admit a call, or say how long it should wait before it asks again.

        Args:
            call: which.
            chance: a random number from 0 to 1, so that those who wait do not ask all at once.

        Returns:
            Seconds to wait; 0 if it is admitted.
        """
        if len(self.running) < self.limit:
            self.held.discard(call)
            self.running.add(call)
            return 0.0
        self.held.add(call)
        # The more wait for each place, the seldomer it is worth asking.
        turns = len(self.held) / self.limit
        return min(_LONGEST_HOLD, _SHORTEST_HOLD * max(1.0, turns)) * (0.5 + chance)

    def leave(self, call: object) -> None:
        """Give a call's place to another."""
        self.running.discard(call)
        self.held.discard(call)

    def narrow(self, *, began: float, now: float) -> None:
        """Take in that a call was refused for there being too many.

        Args:
            began: when it was sent. Calls refused together are one refusal: only those sent since count as another.
            now: the time.
        """
        if began >= self.narrowed_at:
            self.limit = max(1.0, min(self.limit, len(self.running)) * _NARROWER)
            self.narrowed_at = now

    def widen(self) -> None:
        """Take in that a call was answered: as many answers as calls run at a time make room for one more."""
        self.limit += 1 / self.limit
