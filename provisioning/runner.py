"""The use cases: what `python -m provisioning` does, as functions. Each wires the real parts in plain sight.

load(paths) -> Desired        plan(desired) -> Plan        apply(desired) -> Report        destroy(desired) -> Report
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from provisioning.execution.context import Context
from provisioning.execution.reviewed import carry_out
from provisioning.execution.seen import Seen
from provisioning.execution.smoke import replaced_configs, with_notes
from provisioning.execution.sources import Sources, read_sources, require
from provisioning.model.events import Report
from provisioning.model.plan import Plan
from provisioning.planning.circumstances import Options
from provisioning.planning.drift import drift_of
from provisioning.planning.plan_file import refuse_unshown
from provisioning.planning.planner import make_plan
from provisioning.planning.removal import make_destroy_plan, make_disown_plan
from provisioning.planning.standings import standings_of
from provisioning.session import Access, Session, open_session
from provisioning.workspace.reader import read_live

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioning.model.events import Event
    from provisioning.model.workspace import Desired, Live, Standing

__all__ = ["Access", "Options", "Report", "apply", "destroy", "disown", "plan", "status", "wait"]


def plan(
    desired: Desired,
    *,
    access: Access | None = None,
    options: Options | None = None,
    select: Sequence[str] = (),
    secret_values: bool = True,
    drift_only: bool = False,
) -> Plan:
    """Compare configs with a workspace. Nothing is written.

    Args:
        desired: the configs, as `load` returns them.
        access: which workspace to use; the target and the environment say so by default.
        options: what the plan may contain.
        select: the resources that are meant, by key, name or address; none for all.
        secret_values: whether to read the secrets' sources, to tell which values differ.
        drift_only: whether to leave out what the configs themselves are known to change.

    Raises:
        WrongWorkspaceError: target and environment name different workspaces; nothing was sent.
        WorkspaceError: a call failed.
        SourcesError: a secret's source could not be read (one that holds nothing is no error here).
    """
    access, options = access or Access(), options or Options()
    session = open_session(desired, access, select=select)
    sources = _read(session, access) if secret_values else Sources()
    live = _live(session, sources, owned_too=options.prune, compare_values=options.compare_values)
    made = make_plan(session.desired, live, options=options)
    return drift_of(made) if drift_only else made


def apply(
    desired: Desired,
    *,
    access: Access | None = None,
    options: Options | None = None,
    select: Sequence[str] = (),
    shown: Plan | None = None,
    review: Callable[[Plan], bool] = lambda _plan: True,
    on_event: Callable[[Event], None] = lambda _event: None,
    require_sources: bool = False,
    waiting: bool = True,
    timeout: float | None = None,
    smoke_test: bool = False,
    rollback: bool = False,
    stop: threading.Event | None = None,
) -> Report:
    """Make a workspace hold what the configs say. Safe to run again at any time.

    Args:
        desired: the configs, as `load` returns them.
        access: which workspace to use; the target and the environment say so by default.
        options: what the plan may contain.
        select: the resources that are meant, by key, name or address; none for all.
        shown: a plan that somebody has seen: nothing else is done.
        review: shown the plan before anything is written; False ends it there.
        on_event: told of everything that happens, one event at a time, from any thread.
        require_sources: whether a source that holds nothing is an error even where the key exists and is kept.
        waiting: whether to wait until endpoints are ready.
        timeout: seconds that each endpoint may take; the default goes by what it serves.
        smoke_test: whether to call each endpoint once as it becomes ready; its provider charges for that.
        rollback: whether an endpoint that does not answer gets its previous config back.
        stop: once it is set nothing more is begun, as after Ctrl-C, which another thread has to be told of.

    Raises:
        WrongWorkspaceError: target and environment name different workspaces; nothing was sent.
        SourcesError: values are missing; nothing was written.
        ConfigError: an endpoint would refer to a secret that is not there; nothing was written.
        BlockedError: a guard stops the plan; nothing was written.
        WorkspaceError: a call failed before anything was written.
        PartlyAppliedError: some changes were applied and some were not.
        NotReadyError: all was applied, and an endpoint was not ready in time.
        InterruptedApplyError: the user pressed Ctrl-C.
    """
    access, options = access or Access(), options or Options()
    session = open_session(desired, access, select=select)
    sources = _read(session, access)
    live = _live(session, sources, owned_too=options.prune, compare_values=options.compare_values)
    made = make_plan(session.desired, live, options=options)
    if shown is not None:
        refuse_unshown(shown, made)
    require(made, sources, every=require_sources)
    previous = replaced_configs(made, live) if smoke_test and rollback else {}
    if smoke_test:
        made = with_notes(made, previous, rollback=rollback)
    context = Context(
        connection=session.connection,
        owner=session.owner,
        desired=session.desired,
        values=sources.values,
        seen=Seen(live, owner=session.owner),
        timeout=timeout,
        smoke=smoke_test,
        previous=previous,
        stop=stop or threading.Event(),
    )
    return carry_out(made, context, review=review, on_event=on_event, waiting=waiting)


def destroy(
    desired: Desired,
    *,
    access: Access | None = None,
    select: Sequence[str] = (),
    shown: Plan | None = None,
    review: Callable[[Plan], bool] = lambda _plan: True,
    on_event: Callable[[Event], None] = lambda _event: None,
    stop: threading.Event | None = None,
) -> Report:
    """Delete everything that the configs' set owns in a workspace, and nothing else.

    Args:
        desired: the configs: they name the set and what `prevent_destroy` protects.
        access: which workspace to use; the target and the environment say so by default.
        select: the resources that are meant, by key, name or address; none for all that the set owns.
        shown: a plan that somebody has seen: nothing else is done.
        review: shown the plan before anything is deleted; False ends it there.
        on_event: told of everything that happens, one event at a time, from any thread.
        stop: once it is set nothing more is begun.

    Raises:
        As `apply`.
    """
    session = open_session(desired, access or Access(), select=select)
    return _part_with(session, make_destroy_plan, shown=shown, review=review, on_event=on_event, stop=stop)


def disown(
    desired: Desired,
    *,
    access: Access | None = None,
    select: Sequence[str] = (),
    shown: Plan | None = None,
    review: Callable[[Plan], bool] = lambda _plan: True,
    on_event: Callable[[Event], None] = lambda _event: None,
    stop: threading.Event | None = None,
) -> Report:
    """Let go of everything that the configs' set owns: it stays as it is, and belongs to no set.

    Args:
        desired: the configs: they name the set.
        access: which workspace to use; the target and the environment say so by default.
        select: the resources that are meant, by key, name or address; none for all that the set owns.
        shown: a plan that somebody has seen: nothing else is done.
        review: shown the plan before anything is written; False ends it there.
        on_event: told of everything that happens, one event at a time, from any thread.
        stop: once it is set nothing more is begun.

    Raises:
        As `apply`.
    """
    session = open_session(desired, access or Access(), select=select)
    return _part_with(session, make_disown_plan, shown=shown, review=review, on_event=on_event, stop=stop)


def status(desired: Desired, *, access: Access | None = None, select: Sequence[str] = ()) -> tuple[Standing, ...]:
    """Say how each declared object stands. Nothing is written, no secret's source is read.

    Args:
        desired: the configs.
        access: which workspace to use; the target and the environment say so by default.
        select: the resources that are meant, by key, name or address; none for all.
    """
    session = open_session(desired, access or Access(), select=select)
    return standings_of(session.desired, _live(session, Sources(), owned_too=False))


def wait(
    desired: Desired,
    *,
    access: Access | None = None,
    select: Sequence[str] = (),
    on_event: Callable[[Event], None] = lambda _event: None,
    timeout: float | None = None,
    smoke_test: bool = False,
) -> Report:
    """Wait until every declared endpoint is ready.

    Args:
        desired: the configs.
        access: which workspace to use; the target and the environment say so by default.
        select: the resources that are meant, by key, name or address; none for all.
        on_event: told of everything that happens, one event at a time, from any thread.
        timeout: seconds that each endpoint may take; the default goes by what it serves.
        smoke_test: whether to call each endpoint once as it becomes ready; its provider charges for that.

    Raises:
        NotReadyError: one was not ready in time.
        PartlyAppliedError: some are ready, and others failed or are missing.
        InterruptedApplyError: the user pressed Ctrl-C.
    """
    session = open_session(desired, access or Access(), select=select)
    waits = Plan(
        host=session.connection.host,
        workspace_id=session.connection.workspace_id,
        target=desired.target.name,
        identity=session.connection.user,
        set_name=desired.set_name,
        set_id=session.owner,
        not_ready=tuple(each.name for each in session.desired.endpoints),
    )
    context = Context(
        connection=session.connection,
        owner=session.owner,
        desired=session.desired,
        values={},
        timeout=timeout,
        smoke=smoke_test,
    )
    return carry_out(waits, context, review=lambda _plan: True, on_event=on_event, waiting=True)


def _part_with(
    session: Session,
    make: Callable[[Desired, Live], Plan],
    *,
    shown: Plan | None,
    review: Callable[[Plan], bool],
    on_event: Callable[[Event], None],
    stop: threading.Event | None,
) -> Report:
    """Carry out a plan about all that the set owns, for which no secret's source is read."""
    live = _live(session, Sources(), owned_too=True)
    made = make(session.desired, live)
    if shown is not None:
        refuse_unshown(shown, made)
    context = Context(
        connection=session.connection,
        owner=session.owner,
        desired=session.desired,
        values={},
        seen=Seen(live, owner=session.owner),
        stop=stop or threading.Event(),
    )
    return carry_out(made, context, review=review, on_event=on_event, waiting=False)


def _read(session: Session, access: Access) -> Sources:
    """Read the secrets' sources; no text of the server's shows them then, though it was sent them by another run."""
    sources = read_sources(
        session.desired,
        environ=access.environment,
        allowed_commands=access.allowed_commands,
        on_value=access.on_value,
    )
    session.connection.conceal.add(*sources.values.values())
    return sources


def _live(session: Session, sources: Sources, *, owned_too: bool, compare_values: bool = False) -> Live:
    return read_live(
        session.connection,
        session.desired,
        owner=session.owner,
        values=sources.values,
        owned_too=owned_too,
        compare_values=compare_values,
    )
