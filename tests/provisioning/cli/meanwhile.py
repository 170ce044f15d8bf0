"""Another apply at a chosen moment of this one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

import provisioning
from provisioning import Access
from provisioning.errors import UnfinishedError
from provisioning.model.events import StepStarted

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioning.model.events import Event, Report
    from provisioning.model.plan import Operation
    from provisioning.model.workspace import Desired


def access(value: str = "sk-first") -> Access:
    """Return an access whose environment holds a secret's value."""
    return Access(environ={**os.environ, "OPENAI_API_KEY": value})


def before(operation: Operation, what: Callable[[], object]) -> Callable[[Event], None]:
    """Let something happen before each step of a kind."""

    def on_event(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step.operation is operation:
            what()

    return on_event


def once(happened: list[str], what: Callable[[], str]) -> Callable[[], None]:
    """Let something happen the first time alone, and keep what it came to."""

    def act() -> None:
        if not happened:
            happened.append(what())

    return act


def outcome(
    desired: Desired, on_event: Callable[[Event], None] = lambda _event: None, *, timeout: float | None = None
) -> str:
    """Apply; return what failed."""
    try:
        provisioning.apply(desired, access=access(), on_event=on_event, timeout=timeout)
    except UnfinishedError as error:
        failed = cast("Report", error.report).outcome.failed
        return " ".join(f"{each.address}: {each.message}" for each in failed)
    return ""
