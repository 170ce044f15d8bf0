"""The use case `rotate`: a secret's new value, proved by a call to each endpoint that uses it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioning.errors import InterruptedApplyError, UnfinishedError
from provisioning.execution.context import Context
from provisioning.execution.executor import execute
from provisioning.execution.reviewed import carry_out
from provisioning.execution.smoke import COST
from provisioning.execution.sources import read_sources, require
from provisioning.planning.rotation import find_secret, make_rotation_plan
from provisioning.planning.selection import select
from provisioning.session import Access, open_session
from provisioning.workspace.reader import read_live
from provisioning.workspace.secrets import fetch_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from provisioning.model.events import Event, Report
    from provisioning.model.plan import Plan
    from provisioning.model.workspace import Desired


def rotate(
    desired: Desired,
    secret: str,
    *,
    access: Access | None = None,
    review: Callable[[Plan], bool] = lambda _plan: True,
    on_event: Callable[[Event], None] = lambda _event: None,
    timeout: float | None = None,
    smoke_test: bool = True,
    rollback: bool = False,
) -> Report:
    """Write a secret's new value over the old one, and see that the endpoints that use it still answer.

    Args:
        desired: the configs.
        secret: `SCOPE/KEY`; its source holds the new value.
        access: which workspace to use; the target and the environment say so by default.
        review: shown the plan before anything is written; False ends it there.
        on_event: told of everything that happens, one event at a time, from any thread.
        timeout: seconds that each endpoint may take; the default goes by what it serves.
        smoke_test: whether to call each endpoint once.
        rollback: whether to fetch the old value before, and to put it back if an endpoint does not answer.

    Raises:
        ProvisioningError: there is no such secret, or more to change than the secret.
        UnfinishedError: or one of its kinds: an endpoint did not answer; the message says which value is in place.
    """
    access = access or Access()
    session = open_session(desired, access)
    scope, key = find_secret(session.desired, secret)
    only = select(session.desired, [f"secret_scopes.{scope}/secrets.{key}"])
    sources = read_sources(
        _with_one_secret(only, key),
        environ=access.environment,
        allowed_commands=access.allowed_commands,
        on_value=access.on_value,
    )
    live = read_live(session.connection, session.desired, owner=session.owner, values=sources.values)
    made = make_rotation_plan(session.desired, live, scope=scope, key=key)
    require(made, sources, every=True)
    old = fetch_secret(session.connection, scope, key) if rollback and made.changes else None
    context = Context(
        connection=session.connection,
        owner=session.owner,
        desired=session.desired,
        values=sources.values,
        endpoint_ids={each.name: each.id for each in live.endpoints.values() if each.id},
        timeout=timeout,
        smoke=smoke_test,
    )
    noted = _with_notes(made, old, rollback=rollback, smoke_test=smoke_test)
    try:
        return carry_out(noted, context, review=review, on_event=on_event, waiting=True)
    except InterruptedApplyError:
        raise
    except UnfinishedError as error:
        if old is None:
            raise
        outcome = execute(
            made, replace(context, values={(scope, key): old}, smoke=False, written={}, deleted={}), on_event=on_event
        )
        went = "was put back" if not outcome.failed else "could not be put back everywhere"
        raise type(error)(
            f"{error.message.rstrip('.')}. The old value {went}.", report=error.report, remedy=error.remedy
        ) from error


def _with_one_secret(desired: Desired, key: str) -> Desired:
    """Return a selection of one scope with one of its secrets: no other source is read."""
    scopes = tuple(each.model_copy(update={"secrets": {key: (each.secrets or {})[key]}}) for each in desired.scopes)
    return desired.model_copy(update={"scopes": scopes})


def _with_notes(made: Plan, old: SecretStr | None, *, rollback: bool, smoke_test: bool) -> Plan:
    if not made.changes:
        return made
    if old is not None:
        way_back = "if an endpoint does not answer, the old value is put back"
    elif rollback:
        way_back = "the old value cannot be read by this identity: there is no way back"
    else:
        way_back = "there is no way back to the old value; --rollback fetches it before"
    notes = [way_back, *([f"of the endpoints that use it, {COST}"] if smoke_test else [])]
    return made.model_copy(update={"notes": (*made.notes, *notes)})
