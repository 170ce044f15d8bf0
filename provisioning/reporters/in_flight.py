"""What is at work at this moment, as lines that are drawn anew: for a terminal that somebody looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.model.events import (
    ChangeDone,
    ChangeFailed,
    ChangeSkipped,
    EndpointNotReady,
    EndpointPolled,
    EndpointReady,
    Held,
    StepStarted,
)
from provisioning.model.inert import inert
from provisioning.model.plan import Operation
from provisioning.reporters.values import duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioning.model.address import Address
    from provisioning.model.events import Event

_WIDTH = len("99 min")

_PASSING = (StepStarted, EndpointPolled, Held)


@dataclass(frozen=True)
class _Work:
    """What is being done to one object.

    Attributes:
        what: in a few words.
        since: when it began, by the clock that `InFlight` is given.
    """

    what: str
    since: float


class InFlight:
    """What has begun and not ended, over all targets of a run."""

    def __init__(self) -> None:
        self._work: dict[tuple[str | None, Address], _Work] = {}
        self._done = 0
        self._held = _Work("", 0.0)

    @property
    def any(self) -> bool:
        """Whether anything is at work."""
        return bool(self._work)

    def note(self, event: Event, *, now: float, target: str | None = None) -> None:
        """Take an event in.

        Args:
            event: what happened.
            now: when, in seconds of a monotonic clock.
            target: in which target, where there are several.
        """
        match event:
            case StepStarted(change=change, step=step):
                waiting = step.operation is Operation.WAIT_READY
                what = "waiting until it is ready" if waiting else step.operation.value.replace("_", " ")
                self._work[target, change.address] = _Work(what, now)
            case EndpointPolled(address=address, state=state, elapsed=elapsed):
                self._work[target, address] = _Work(f"waiting: {state}", now - elapsed)
            case Held(seconds=seconds, because=because):
                self._held = _Work(because, now + seconds)
            case ChangeDone() | ChangeFailed() | ChangeSkipped() | EndpointReady() | EndpointNotReady():
                self._work.pop((target, event.address), None)
                self._done += isinstance(event, ChangeDone)
            case _:
                pass

    def lines(self, *, now: float) -> Iterator[str]:
        """Yield a line for each object that is at work, and one that counts.

        Args:
            now: the time, in seconds of the same clock.
        """
        for (target, address), work in list(self._work.items()):
            whose = f"{inert(target)}: " if target else ""
            # the time comes first: where the line is too long for the terminal, its end is cut
            yield f"{duration(max(now - work.since, 0.0)):>{_WIDTH}}  {whose}{inert(address)}: {inert(work.what)}"
        if self._held.since > now:
            yield f"{duration(self._held.since - now):>{_WIDTH}}  until the next call: {inert(self._held.what)}"
        yield f"{'':>{_WIDTH}}  {self._done} done, {len(self._work)} at work"


def is_passing(event: Event) -> bool:
    """Tell whether the lines of what is at work say all that an event says."""
    return isinstance(event, _PASSING)
