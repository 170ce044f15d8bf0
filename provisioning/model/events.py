"""What happens while a plan is carried out, as values: the display subscribes to them.

Events are handed out under a lock, one at a time, from whichever worker they happen in.
"""

from __future__ import annotations

from typing import TypeAlias

from provisioning.model.address import Address
from provisioning.model.base import Model
from provisioning.model.plan import Action, Change, Plan, Step


class StepStarted(Model):
    """A call is about to be made."""

    change: Change
    step: Step


class Held(Model):
    """A call has to wait before it is made."""

    seconds: float
    because: str


class Interrupted(Model):
    """The user pressed Ctrl-C: calls in flight are finished, and nothing more is begun."""


class EndpointPolled(Model):
    """An endpoint was looked at and is not decided yet."""

    address: Address
    state: str
    """The live state in the API's own terms."""
    elapsed: float
    """Seconds since the wait began."""


class ChangeDone(Model):
    """Every step of a change was carried out."""

    address: Address
    action: Action
    elapsed: float
    """Seconds it took."""


class ChangeFailed(Model):
    """A step failed; what came before it in the change was carried out."""

    address: Address
    action: Action
    message: str
    done: tuple[str, ...] = ()
    """The steps of this change that were carried out."""
    remedy: str | None = None


class ChangeSkipped(Model):
    """A change was not begun."""

    address: Address
    action: Action
    because: str


class EndpointReady(Model):
    """A wait came to a good end."""

    address: Address
    elapsed: float


class EndpointCalled(Model):
    """An endpoint was called once, and answered; or there is no call that suits it."""

    address: Address
    answered: bool


class EndpointNotReady(Model):
    """A wait came to no good end: in time it was still pending, or its deployment failed."""

    address: Address
    state: str
    failed: bool
    """True if it will not become ready without a new config."""


Event: TypeAlias = (
    StepStarted
    | Held
    | Interrupted
    | EndpointPolled
    | ChangeDone
    | ChangeFailed
    | ChangeSkipped
    | EndpointReady
    | EndpointCalled
    | EndpointNotReady
)


class Outcome(Model):
    """How an apply ended."""

    done: tuple[Address, ...] = ()
    failed: tuple[ChangeFailed, ...] = ()
    skipped: tuple[ChangeSkipped, ...] = ()
    ready: tuple[Address, ...] = ()
    not_ready: tuple[EndpointNotReady, ...] = ()
    interrupted: bool = False
    """Whether the user pressed Ctrl-C before the end."""


class Report(Model):
    """What an apply was to do, and how it ended."""

    plan: Plan
    outcome: Outcome | None = None
    """None if it was not begun: there was nothing to do, or it was not confirmed."""
