"""The use cases about secrets that change: `rotate`, proved by a call to each endpoint, and `collect` after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from provisioning.errors import InterruptedApplyError, NotReadyError, UnfinishedError
from provisioning.execution.context import Context
from provisioning.execution.executor import execute
from provisioning.execution.reviewed import carry_out
from provisioning.execution.seen import Seen
from provisioning.execution.smoke import COST
from provisioning.execution.sources import read_sources, require
from provisioning.model.address import endpoint_address, secret_address
from provisioning.model.values import SecretKey
from provisioning.planning.circumstances import Options
from provisioning.planning.collection import make_collection_plan
from provisioning.planning.requests import restorable_config
from provisioning.planning.rotation import (
    Rotated,
    as_versioned,
    find_secret,
    make_return_plan,
    make_rotation_plan,
)
from provisioning.planning.selection import select
from provisioning.session import Access, open_session
from provisioning.workspace.reader import read_live
from provisioning.workspace.secrets import fetch_secret
from provisioning.workspace.usage import read_usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from provisioning.model.events import Event, Report
    from provisioning.model.plan import Plan
    from provisioning.model.workspace import Desired, Live


def rotate(
    desired: Desired,
    secret: str,
    *,
    access: Access | None = None,
    review: Callable[[Plan], bool] = lambda _plan: True,
    on_event: Callable[[Event], None] = lambda _event: None,
    timeout: float | None = None,
    smoke_test: bool = True,
    versioned: bool = False,
    rollback: bool = False,
) -> Report:
    """Write a secret's new value, and see that the endpoints that use it still answer.

    Args:
        desired: the configs.
        secret: `SCOPE/KEY`; its source holds the new value.
        access: which workspace to use; the target and the environment say so by default.
        review: shown the plan before anything is written; False ends it there.
        on_event: told of everything that happens, one event at a time, from any thread.
        timeout: seconds that each endpoint may take; the default goes by what it serves.
        smoke_test: whether to call each endpoint once.
        versioned: whether the value goes under a key of its own, as it does where the config says so; if an endpoint
            does not answer then, all are pointed back to the key before.
        rollback: in place, whether to fetch the old value before, and to put it back if an endpoint does not answer.

    Raises:
        ProvisioningError: there is no such secret, or more to change than the secret.
        UnfinishedError: or one of its kinds: an endpoint did not answer; the message says which value is in place.
    """
    access = access or Access()
    session = open_session(desired, access)
    scope, key = find_secret(session.desired, secret)
    wanted = as_versioned(session.desired, scope=scope, key=key) if versioned else session.desired
    only = select(wanted, [f"secret_scopes.{scope}/secrets.{key}"])
    sources = read_sources(
        _with_one_secret(only, key),
        environ=access.environment,
        allowed_commands=access.allowed_commands,
        on_value=access.on_value,
    )
    session.connection.conceal.add(*sources.values.values())
    live = read_live(session.connection, wanted, owner=session.owner, values=sources.values)
    made = make_rotation_plan(wanted, live, scope=scope, key=key)
    require(made, sources, every=True)
    rotated = Rotated.of(wanted, live, scope=scope, key=key, options=Options(write_unknown_secrets=True))
    in_place = rotated.key == rotated.before
    context = Context(
        connection=session.connection,
        owner=session.owner,
        desired=wanted,
        values=sources.values,
        seen=Seen(live, owner=session.owner),
        timeout=timeout,
        smoke=smoke_test,
    )
    way: _WayBack
    if in_place:
        old = fetch_secret(session.connection, scope, rotated.before) if rollback and made.changes else None
        way = _OldValue(made, context, secret=(scope, key), at=rotated.key, old=old, asked_for=rollback)
    else:
        way = _OldKey(made, context, live, scope=scope, rotated=rotated)
    noted = _with_notes(made, way, smoke_test=smoke_test)
    try:
        return carry_out(noted, context, review=review, on_event=on_event, waiting=True)
    except InterruptedApplyError:
        raise
    except UnfinishedError as error:
        went = way.take(error, on_event=on_event)
        if went is None:
            raise
        raise type(error)(f"{error.message.rstrip('.')}. {went}", report=error.report, remedy=error.remedy) from error


class _WayBack(Protocol):
    """How a rotation that failed is undone."""

    def promises(self) -> tuple[str, ...]:
        """Say beforehand what can be undone, and what cannot."""

    def take(self, error: UnfinishedError, *, on_event: Callable[[Event], None]) -> str | None:
        """Undo it, and say how that went; None if there is nothing to undo."""


@dataclass(frozen=True)
class _OldValue:
    """In place: the value from before is put again, if it could be read."""

    made: Plan
    context: Context
    secret: tuple[str, str]
    at: str
    old: SecretStr | None
    asked_for: bool

    def promises(self) -> tuple[str, ...]:
        if self.old is not None:
            return ("if an endpoint does not answer, the old value is put back",)
        if not any(each.address == secret_address(self.secret[0], self.at) for each in self.made.changes):
            return ("the value was put before, by a rotation that was cut off: the endpoints are told of it",)
        if self.asked_for:
            return ("the old value cannot be read by this identity: there is no way back",)
        return ("there is no way back to the old value; --rollback fetches it before, --versioned keeps it",)

    def take(self, error: UnfinishedError, *, on_event: Callable[[Event], None]) -> str | None:
        del error
        if self.old is None:
            return None
        outcome = execute(self.made, self.context.afresh({self.secret: self.old}), on_event=on_event)
        return (
            "The old value was put back." if not outcome.failed else "The old value could not be put back everywhere."
        )


@dataclass(frozen=True)
class _OldKey:
    """Versioned: the endpoints are pointed to the version before, which is still there, and the new one is removed."""

    made: Plan
    context: Context
    live: Live
    scope: str
    rotated: Rotated

    def promises(self) -> tuple[str, ...]:
        before, now = (f"{self.scope}/{each}" for each in (self.rotated.before, self.rotated.key))
        stuck = [
            f"{endpoint_address(name)}: it cannot be pointed back, its config holds a credential that is never shown"
            for name in self.rotated.users
            if name in self.live.endpoints and restorable_config(self.live.endpoints[name].body) is None
        ]
        return (f"if an endpoint does not answer, all are pointed back to {before}, and {now} is removed", *stuck)

    def take(self, error: UnfinishedError, *, on_event: Callable[[Event], None]) -> str | None:
        if isinstance(error, NotReadyError):
            return None  # the config before serves until the new one is ready, and nothing says that it will not be
        new, old = (f"{self.scope}/{each}" for each in (self.rotated.key, self.rotated.before))
        # what a call did whose answer was lost, the workspace knows
        using = read_usage(self.context.connection, names=self.rotated.users)
        pointed = using.users.get(SecretKey(self.scope.lower(), self.rotated.key), ())
        back = make_return_plan(self.made, self.live, scope=self.scope, key=self.rotated.key, names=pointed)
        outcome = execute(back, self.context.afresh(), on_event=on_event)
        undone = [*(each.address for each in outcome.failed), *(each.address for each in outcome.skipped)]
        if not undone and len(back.changes) > len(pointed):
            return f"Every endpoint uses {old}, and {new} was removed."
        return (
            f"{', '.join(undone or pointed)} could not be pointed back to {old}: {new} stays, and `apply` points to it."
        )


def _with_one_secret(desired: Desired, key: str) -> Desired:
    """Return a selection of one scope with one of its secrets: no other source is read."""
    scopes = tuple(each.model_copy(update={"secrets": {key: (each.secrets or {})[key]}}) for each in desired.scopes)
    return desired.model_copy(update={"scopes": scopes})


def _with_notes(made: Plan, way: _WayBack, *, smoke_test: bool) -> Plan:
    if not made.changes:
        return made
    cost = [f"of the endpoints that use it, {COST}"] if smoke_test else []
    return made.model_copy(update={"notes": (*made.notes, *way.promises(), *cost)})


def collect(
    desired: Desired,
    *,
    access: Access | None = None,
    review: Callable[[Plan], bool] = lambda _plan: True,
    on_event: Callable[[Event], None] = lambda _event: None,
) -> Report:
    """Remove the versions of secrets that no longer count, and that no endpoint refers to.

    Args:
        desired: the configs.
        access: which workspace to use; the target and the environment say so by default.
        review: shown the plan before anything is deleted; False ends it there.
        on_event: told of everything that happens, one event at a time, from any thread.

    Raises:
        BlockedError: an endpoint may not be looked into; nothing was deleted.
        UnfinishedError: or one of its kinds: it did not come to a good end.
    """
    session = open_session(desired, access or Access())
    live = read_live(session.connection, session.desired, owner=session.owner, values={})
    made = make_collection_plan(session.desired, live, read_usage(session.connection))
    context = Context(
        connection=session.connection,
        owner=session.owner,
        desired=session.desired,
        values={},
        seen=Seen(live, owner=session.owner),
    )
    return carry_out(made, context, review=review, on_event=on_event, waiting=False)
