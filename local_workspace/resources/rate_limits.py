"""Rate limits that act: who has spent what in the last minute, and what to answer who has spent too much."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_workspace.errors import ApiError, denied

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from local_workspace.clock import Clock
    from local_workspace.resources.identities import Identity

_PERIOD_SECONDS = 60.0
_KINDS = ("calls", "tokens")
_UNITS = {"calls": "queries", "tokens": "tokens"}


class Window:
    """What was spent lately.

    Args:
        seconds: How long it counts.
    """

    def __init__(self, seconds: float = _PERIOD_SECONDS) -> None:
        self._seconds = seconds
        self._spent: deque[tuple[float, int]] = deque()
        self._total = 0

    def total(self, now: float) -> int:
        """Return what counts now."""
        while self._spent and self._spent[0][0] <= now - self._seconds:
            self._total -= self._spent.popleft()[1]
        return self._total

    def add(self, now: float, amount: int) -> None:
        """Count an amount."""
        self._spent.append((now, amount))
        self._total += amount

    def seconds_until_below(self, limit: int, now: float) -> float:
        """How long until less than the limit was spent."""
        left = self._total
        for moment, amount in self._spent:
            left -= amount
            if left < limit:
                return moment + self._seconds - now
        return 0.0


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that was let in, and the windows in which its tokens count."""

    _windows: tuple[Window, ...] = ()
    _now: Callable[[], float] = time.time

    @property
    def counts_tokens(self) -> bool:
        """Whether any limit is on tokens."""
        return bool(self._windows)

    def spend(self, tokens: int) -> None:
        """Count the tokens that the call took, once they are known."""
        for window in self._windows:
            window.add(self._now(), tokens)


NOTHING_TO_COUNT = Admission()
"""For a call that no limit concerns."""


class RateLimits:
    """The limits' windows of one workspace; a restart forgets them, as a minute would.

    Args:
        clock: The workspace's time.
        with_retry_after: Whether a refusal says when to try again.
    """

    def __init__(self, clock: Clock, *, with_retry_after: bool) -> None:
        self._clock = clock
        self._with_retry_after = with_retry_after
        self._windows: dict[Hashable, Window] = {}

    def admit(self, limits: Iterable[Mapping[str, Any]], *, endpoint: str, name: str, identity: Identity) -> Admission:
        """Let a call in, and count it.

        Args:
            limits: The endpoint's rate limits.
            endpoint: The endpoint's id.
            name: The endpoint's name.
            identity: Who calls.

        Raises:
            ApiError: 403 for a limit of 0, 429 for one that is used up; the call is not counted then.
        """
        applying = applicable(limits, identity)
        if any(limit.get(kind) == 0 for limit, _ in applying for kind in _KINDS):
            raise denied("PERMISSION_DENIED: The endpoint is disabled due to a rate limit set to 0.")
        now = self._clock.now()
        windows: dict[str, list[Window]] = {kind: [] for kind in _KINDS}
        for limit, who in applying:
            kind = next(kind for kind in _KINDS if kind in limit)
            window = self._windows.setdefault((endpoint, kind, limit.get("key"), who), Window())
            if window.total(now) >= limit[kind]:
                raise self._used_up(limit, kind, name, window.seconds_until_below(limit[kind], now))
            windows[kind].append(window)
        for window in windows["calls"]:
            window.add(now, 1)
        return Admission(tuple(windows["tokens"]), self._clock.now)

    def _used_up(self, limit: Mapping[str, Any], kind: str, name: str, seconds: float) -> ApiError:
        # The words are those of the service's own limits; what it says for a user's is not on record.
        whose = (limit.get("key") or "endpoint").replace("_", " ")
        return ApiError(
            429,
            "REQUEST_LIMIT_EXCEEDED",
            f"REQUEST_LIMIT_EXCEEDED: Exceeded {whose} {_UNITS[kind]} per minute rate limit for {name}.",
            headers={"Retry-After": str(max(1, math.ceil(seconds)))} if self._with_retry_after else {},
        )


def applicable(limits: Iterable[Mapping[str, Any]], identity: Identity) -> list[tuple[Mapping[str, Any], str | None]]:
    """Choose the limits that count for a caller, each with whose window it is: None for everybody's.

    The endpoint's own always count. Of the others, those that name the caller go before those of the caller's
    groups, and these before what every user has; each group is one window for all its members.
    """
    given = list(limits)
    chosen: list[tuple[Mapping[str, Any], str | None]] = [(each, None) for each in given if _key(each) == "endpoint"]
    own = [(each, identity.name) for each in given if _is_personal(each) and each["principal"] == identity.name]
    teams = [
        (each, str(each["principal"]))
        for each in given
        if _key(each) == "user_group" and each.get("principal") in identity.groups
    ]
    common = [(each, identity.name) for each in given if _key(each) == "user" and not each.get("principal")]
    return chosen + (own or teams or common)


def _key(limit: Mapping[str, Any]) -> str:
    return str(limit.get("key") or "endpoint")


def _is_personal(limit: Mapping[str, Any]) -> bool:
    return _key(limit) in {"user", "service_principal"} and bool(limit.get("principal"))
