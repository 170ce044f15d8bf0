"""Events and outcomes as single lines: append-only, the object first."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from provisioning.model.counting import counted
from provisioning.model.events import (
    ChangeDone,
    ChangeFailed,
    ChangeSkipped,
    EndpointCalled,
    EndpointNotReady,
    EndpointPolled,
    EndpointReady,
    Event,
    Held,
    Interrupted,
    StepStarted,
)
from provisioning.model.inert import inert
from provisioning.model.plan import Action, Operation
from provisioning.reporters.values import Paint, duration, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioning.model.events import Outcome

_PAST: Mapping[Action, str] = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.REPLACE: "replaced",
    Action.DELETE: "deleted",
    Action.ADOPT: "adopted",
}


HEARTBEAT = 30.0
"""Seconds after which a state that has not changed is told again, lest a CI log looks dead."""


class Progress:
    """The lines of one apply: leaves out what was just said.

    Args:
        paint: colours.
    """

    def __init__(self, *, paint: Paint = plain) -> None:
        self._paint = paint
        self._told: dict[str, tuple[str, float]] = {}

    def line(self, event: Event) -> str | None:
        """Return the event's line, or None if it is not worth one."""
        if isinstance(event, EndpointPolled):
            state, when = self._told.get(event.address, ("", 0.0))
            if event.state == state and event.elapsed - when < HEARTBEAT:
                return None
            self._told[event.address] = (event.state, event.elapsed)
        return event_text(event, paint=self._paint)


def event_text(event: Event, *, paint: Paint = plain) -> str | None:
    """Return an event as one line, or None if a line would say nothing new."""
    text, style = _told(event)
    return paint(text, style=style) if text and style else text


def _told(event: Event) -> tuple[str | None, str]:
    """Return an event's line and its style; no style leaves it as it is."""
    match event:
        case StepStarted(change=change, step=step):
            waiting = step.operation is Operation.WAIT_READY
            told = f"{inert(change.address)}: waiting until it is ready" if waiting else None, ""
        case Held(seconds=seconds, because=because):
            told = f"waiting for {duration(seconds)}: {because}", "faint"
        case Interrupted():
            told = "interrupted: finishing the calls in flight; once more leaves at once", "bad"
        case EndpointPolled() | EndpointReady() | EndpointCalled() | EndpointNotReady():
            told = _told_of_endpoint(event)
        case ChangeDone(address=address, action=action):
            told = f"{inert(address)}: {_PAST[action]}", ""
        case ChangeFailed(address=address, message=message, done=done):
            after = f" (after {', '.join(done)})" if done else ""
            told = f"{inert(address)}: failed{after}: {inert(message)}", "bad"
        case ChangeSkipped(address=address, because=because):
            told = f"{inert(address)}: skipped: {inert(because)}", "bad"
        case _:
            assert_never(event)
    return told


def _told_of_endpoint(
    event: EndpointPolled | EndpointReady | EndpointCalled | EndpointNotReady,
) -> tuple[str, str]:
    match event:
        case EndpointPolled(state=state, elapsed=elapsed):
            text, style = f"{inert(state)} ({duration(elapsed)})", "faint"
        case EndpointReady(elapsed=elapsed):
            text, style = f"READY after {duration(elapsed)}", "good"
        case EndpointCalled(answered=True):
            text, style = "answered a call", "good"
        case EndpointCalled():
            text, style = "not called: what it takes is not known", "faint"
        case EndpointNotReady(state=state, failed=failed):
            text, style = f"{'failed' if failed else 'not ready in time'}: {inert(state)}", "bad"
        case _:
            assert_never(event)
    return f"{inert(event.address)}: {text}", style


def outcome_text(outcome: Outcome) -> str:
    """Return how an apply ended, in one sentence that says what was done and what was not."""
    undone = [*(each.address for each in outcome.failed), *(each.address for each in outcome.skipped)]
    done = f"{counted(len(outcome.done), 'change')} applied"
    if not undone:
        return f"{done}."
    return f"{done}, {len(undone)} not: {', '.join(map(inert, undone))}."
