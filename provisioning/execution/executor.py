"""Go through a plan's graph with a bounded pool of workers."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from queue import SimpleQueue
from typing import TYPE_CHECKING

from provisioning.errors import AbandonedApplyError, ProvisioningError, WorkspaceError
from provisioning.execution.context import StoppedError
from provisioning.execution.endpoints import hash_in
from provisioning.execution.graph import Group, groups_of
from provisioning.execution.operations import carry_out
from provisioning.execution.scopes import keep_named
from provisioning.execution.smoke import smoke_test
from provisioning.model.events import (
    ChangeDone,
    ChangeFailed,
    ChangeSkipped,
    EndpointCalled,
    EndpointNotReady,
    EndpointPolled,
    EndpointReady,
    Event,
    Interrupted,
    Outcome,
    StepStarted,
)
from provisioning.model.plan import Change, Operation, Step
from provisioning.readiness import (
    EndpointFailedError,
    EndpointMissingError,
    NotReadyInTimeError,
    Pending,
    Readiness,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from provisioning.execution.context import Context
    from provisioning.model.address import Address
    from provisioning.model.plan import Plan

WORKERS = 8
"""Groups at work at the same time; the permissions API takes 20 calls at once from a whole workspace."""

_SIGNAL_SECONDS = 0.2
"""How long a thread waits before it looks for signals: one that arrives as it begins to wait does not end the wait."""

_MISSING = "`apply` makes it, if the configs declare it; else ask its owner for CAN_VIEW"
_INTERRUPTED = "interrupted before it was begun"


def execute(plan: Plan, context: Context, *, on_event: Callable[[Event], None], waiting: bool = True) -> Outcome:
    """Carry a plan out.

    The first Ctrl-C lets calls in flight finish and begins nothing more; a second one is raised.

    Args:
        plan: what to do. Its guards must have been looked at before.
        context: the workspace and all else that the operations need.
        on_event: told of everything that happens, one event at a time.
        waiting: whether to wait for endpoints to become ready.
    """
    context.untold = _untold(plan)
    context.unannounced = _unannounced(plan)
    for step in _steps(plan, Operation.CREATE_ENDPOINT, Operation.UPDATE_TAGS):
        if version := hash_in(step):
            context.seen.intend(step.name, version)
    run = _Run(context, on_event, waiting=waiting)
    # Ctrl-C is raised in this thread, between any two instructions: so it only waits, and another one hands out work
    pool = ThreadPoolExecutor(max_workers=WORKERS + 1, thread_name_prefix="apply")
    abandoned = False
    try:
        interrupted = _await(pool.submit(_work, groups_of(plan), run, pool, context), run, context)
    except KeyboardInterrupt:
        abandoned = True
        raise AbandonedApplyError(
            "interrupted twice: calls in flight were given up, and whether they took effect is unknown",
            remedy="run it again: it finds out",
        ) from None
    finally:
        pool.shutdown(wait=not abandoned, cancel_futures=True)
    return run.outcome(interrupted=interrupted)


def _untold(plan: Plan) -> dict[str, set[str]]:
    """Return the endpoints that are to hear of scopes' new values, by scope."""
    untold: dict[str, set[str]] = {}
    for step in _steps(plan, Operation.RECORD_TOLD):
        untold.setdefault(step.item or "", set()).add(step.name)
    return untold


def _unannounced(plan: Plan) -> dict[str, list[str]]:
    """Return the keys that are to be put, by scope."""
    keys: dict[str, list[str]] = {}
    for step in _steps(plan, Operation.PUT_SECRET):
        keys.setdefault(step.name, []).append(step.item or "")
    return keys


def _steps(plan: Plan, *operations: Operation) -> Iterator[Step]:
    return (step for change in plan.changes for step in change.steps if step.operation in operations)


def _await(worked: Future[bool], run: _Run, context: Context) -> bool:
    while True:
        try:
            while wait([worked], timeout=_SIGNAL_SECONDS).not_done:
                pass
            return worked.result()
        except KeyboardInterrupt:
            if context.stop.is_set():
                raise
            context.stop.set()
            run.tell(Interrupted())


def _work(groups: Sequence[Group], run: _Run, pool: ThreadPoolExecutor, context: Context) -> bool:
    """Go through the groups, then look after the markers; tell whether it was interrupted before the groups' end."""
    _drain(groups, run, pool, context)
    if context.stop.is_set():
        return True
    # last of all: it is for what others did to the markers meanwhile
    for kept in [pool.submit(keep_named, context, scope) for scope in context.put]:
        kept.result()
    return False


def _drain(groups: Sequence[Group], run: _Run, pool: ThreadPoolExecutor, context: Context) -> None:
    """Go through the groups as their time comes."""
    by_address = {each.address: each for each in groups}
    order = TopologicalSorter({each.address: each.after | each.behind for each in groups})
    order.prepare()
    ended_well: set[Address] = set()
    running: dict[Future[bool], Address] = {}
    ended: SimpleQueue[Future[bool]] = SimpleQueue()
    while order.is_active():
        ready = order.get_ready()
        if not ready:  # all that may be at work is
            future = ended.get()
            address = running.pop(future)
            if future.result():
                ended_well.add(address)
            order.done(address)
        for address in ready:
            group = by_address[address]
            if group.after <= ended_well and not context.stop.is_set():
                future = pool.submit(run.group, group)
                running[future] = address
                future.add_done_callback(ended.put)
            else:
                run.skip(group.changes, _reason(group, ended_well, interrupted=context.stop.is_set()))
                order.done(address)


def _reason(group: Group, ended_well: set[Address], *, interrupted: bool) -> str:
    if interrupted:
        return _INTERRUPTED
    return f"it depends on {', '.join(sorted(group.after - ended_well))}"


class _Run:
    """What the workers share: the log of what happened, and the way to tell it."""

    def __init__(self, context: Context, on_event: Callable[[Event], None], *, waiting: bool) -> None:
        self._context = context
        self._on_event = on_event
        self._waiting = waiting
        self._lock = threading.Lock()
        self._log: list[Event] = []
        context.tell = self.tell

    def group(self, group: Group) -> bool:
        """Carry a group out; True if all of it was."""
        started = self._context.clock()
        left = {change.address: len(change.steps) for change in group.changes}
        done: dict[Address, list[str]] = {change.address: [] for change in group.changes}
        for change, step in group.steps:
            try:
                self._context.check()
                self._step(change, step)
            except (ProvisioningError, EndpointFailedError, EndpointMissingError, StoppedError) as error:
                self._stop_group(group, change, error, done)
                return False
            done[change.address].append(step.operation.value)
            left[change.address] -= 1
            if not left[change.address]:
                elapsed = self._context.clock() - started
                self.tell(ChangeDone(address=change.address, action=change.action, elapsed=elapsed))
        return True

    def skip(self, changes: Iterable[Change], because: str) -> None:
        """Report changes that are not begun."""
        for change in changes:
            self.tell(ChangeSkipped(address=change.address, action=change.action, because=because))

    def outcome(self, *, interrupted: bool) -> Outcome:
        """Sum the log up."""
        return Outcome(
            done=tuple(each.address for each in self._log if isinstance(each, ChangeDone)),
            failed=tuple(each for each in self._log if isinstance(each, ChangeFailed)),
            skipped=tuple(each for each in self._log if isinstance(each, ChangeSkipped)),
            ready=tuple(each.address for each in self._log if isinstance(each, EndpointReady)),
            not_ready=tuple(each for each in self._log if isinstance(each, EndpointNotReady)),
            interrupted=interrupted,
        )

    def _step(self, change: Change, step: Step) -> None:
        if step.operation is not Operation.WAIT_READY:
            self.tell(StepStarted(change=change, step=step))
            carry_out(self._context, step)
        elif self._waiting:
            self.tell(StepStarted(change=change, step=step))
            self._wait(change, step.name)

    def _wait(self, change: Change, name: str) -> None:
        context, address = self._context, change.address
        started = context.clock()
        conceal = context.connection.conceal  # entities pass on what their provider says, which may repeat a key

        def tell(seen: Readiness, elapsed: float) -> None:
            if isinstance(seen, Pending):
                self.tell(EndpointPolled(address=address, state=conceal(seen.reason), elapsed=elapsed))

        try:
            context.wait_ready(name, on_poll=tell)
        except NotReadyInTimeError as error:
            # all that was asked for is in place: what comes after (tags) does not depend on it
            self.tell(EndpointNotReady(address=address, state=conceal(error.last.reason), failed=False))
        except EndpointFailedError as error:
            self.tell(EndpointNotReady(address=address, state=conceal(error.failure.reason), failed=True))
            raise
        else:
            self.tell(EndpointReady(address=address, elapsed=context.clock() - started))
            if context.smoke:
                self.tell(EndpointCalled(address=address, answered=smoke_test(context, name)))

    def _stop_group(self, group: Group, at: Change, error: Exception, done: dict[Address, list[str]]) -> None:
        for change in group.changes:
            steps = done[change.address]
            if len(steps) == len(change.steps):
                continue
            if change is at and not isinstance(error, StoppedError):
                said = error.about(change.address) if isinstance(error, WorkspaceError) else str(error)
                message = self._context.connection.conceal(said)
                missing = _MISSING if isinstance(error, EndpointMissingError) else None
                self._fail(change, message, steps, remedy=getattr(error, "remedy", missing))
            elif steps:
                because = "interrupted" if isinstance(error, StoppedError) else f"stopped, since {at.address} failed"
                self._fail(change, because, steps, remedy="run again: it is safe")
            else:
                because = _INTERRUPTED if isinstance(error, StoppedError) else f"{at.address} failed"
                self.skip([change], because)

    def _fail(self, change: Change, message: str, done: list[str], *, remedy: str | None) -> None:
        failed = ChangeFailed(
            address=change.address, action=change.action, message=message, done=tuple(done), remedy=remedy
        )
        self.tell(failed)

    def tell(self, event: Event) -> None:
        """Hand an event out, one at a time."""
        with self._lock:
            self._log.append(event)
            self._on_event(event)
