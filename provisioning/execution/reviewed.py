"""A plan from its review to its verdict: shown, held against its guards, carried out, and judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.errors import (
    BlockedError,
    ConfigError,
    InterruptedApplyError,
    NothingAppliedError,
    NotReadyError,
    PartlyAppliedError,
)
from provisioning.execution.executor import execute
from provisioning.model.counting import counted
from provisioning.model.events import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provisioning.execution.context import Context
    from provisioning.model.events import Event, Outcome
    from provisioning.model.plan import Plan


def carry_out(
    made: Plan,
    context: Context,
    *,
    review: Callable[[Plan], bool],
    on_event: Callable[[Event], None],
    waiting: bool,
) -> Report:
    """Carry a plan out, if nothing speaks against it.

    Args:
        made: the plan.
        context: what its operations need.
        review: shown the plan before anything is written; False ends it there.
        on_event: told of everything that happens, one event at a time, from any thread.
        waiting: whether to wait until endpoints are ready.

    Raises:
        ConfigError: the workspace showed the configs to be wrong; nothing was written.
        BlockedError: a guard stops the plan; nothing was written.
        UnfinishedError: or one of its kinds: it did not come to a good end.
    """
    agreed = review(made)
    if made.errors:
        raise ConfigError(made.errors)
    if made.guards:
        raise BlockedError(
            f"blocked by {counted(len(made.guards), 'guard')}, nothing was written: "
            + "; ".join(f"{guard.address}: {guard.message}" for guard in made.guards),
            remedy="; ".join(dict.fromkeys(guard.remedy for guard in made.guards)),
        )
    if not agreed or not (made.changes or (made.not_ready and waiting)):
        return Report(plan=made)
    outcome = execute(made, context, on_event=on_event, waiting=waiting)
    report = Report(plan=made, outcome=outcome)
    judge(report, outcome)
    return report


def judge(report: Report, outcome: Outcome) -> None:
    """Raise what an outcome amounts to, if it is not all well."""
    undone = [*(each.address for each in outcome.failed), *(each.address for each in outcome.skipped)]
    if outcome.interrupted:
        raise InterruptedApplyError(
            f"interrupted. Applied: {_listed(outcome.done)}. Not applied: {_listed(undone)}.",
            report=report,
            remedy="run it again to go on: it is safe",
        )
    if undone:
        begun = outcome.done or any(each.done for each in outcome.failed)
        kind = PartlyAppliedError if begun else NothingAppliedError
        reasons = "; ".join(f"{each.address}: {each.message}" for each in outcome.failed)
        said = f"Applied: {_listed(outcome.done)}. Not applied: {_listed(undone)}."
        if not report.plan.changes:  # there was nothing but to wait
            said = f"Ready: {_listed(outcome.ready)}. Not ready: {_listed(undone)}."
        raise kind(
            f"{said} {reasons}",
            report=report,
            remedy=next((each.remedy for each in outcome.failed if each.remedy), "mend what failed and run it again"),
        )
    if outcome.not_ready:
        states = "; ".join(f"{each.address}: {each.state}" for each in outcome.not_ready)
        raise NotReadyError(
            f"all is applied, and not ready in time: {states}",
            report=report,
            remedy="run it again, or `wait`: it is safe",
        )


def _listed(addresses: Iterable[str]) -> str:
    return ", ".join(addresses) or "nothing"
