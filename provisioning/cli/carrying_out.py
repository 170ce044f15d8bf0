"""What the commands that write have in common: the plan is shown, agreed to, carried out, reported and recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioning.cli import terminal
from provisioning.cli.places import workspace_of
from provisioning.cli.recording import recorded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provisioning.cli.flags import Place
    from provisioning.model.events import Report
    from provisioning.model.plan import Plan
    from provisioning.model.workspace import Desired


def carry_out(
    place: Place, use_case: Callable[..., Report], *, yes: bool, record: Path | None, unasked: bool = True
) -> Report:
    """Run a use case that writes.

    Args:
        place: the flags.
        use_case: given the configs, `access`, `review`, `on_event` and what bounds it; returns its report.
        yes: whether nobody is asked.
        record: the file that keeps an account of it.
        unasked: whether it is carried out where nobody can be asked.
    """
    turn = place.turn
    rehearsing = turn is not None and turn.rehearsing
    bounds: dict[str, Any] = {}
    if turn is not None:
        bounds = {"stop": turn.stop, **({"shown": turn.agreed} if turn.agreed else {})}
    with (
        recorded(None if rehearsing else record, of=place) as kept,
        workspace_of(place, on_call=kept.call) as (desired, access),
    ):
        report = use_case(
            desired,
            access=access,
            review=lambda made: _review(place, kept.begun(made), desired, yes=yes, unasked=unasked),
            on_event=kept.and_then(place.view.event),
            **bounds,
        )
        if not rehearsing:
            place.view.report(report)
    return report


def _review(place: Place, made: Plan, desired: Desired, *, yes: bool, unasked: bool) -> bool:
    turn = place.turn
    if turn is not None and turn.agreed is not None:
        return True
    if place.view.shows_plan_first:
        place.view.plan(made, positions=desired.positions)
    place.view.notes([each for each in made.diagnostics if each.severity != "error"])
    answered = yes or unasked or terminal.somebody_answers()
    agreed = answered and terminal.agreed(made, yes=yes, of=None if turn is None else place.target)
    if turn is None:
        return agreed
    turn.declined = not agreed
    if not turn.rehearsing:
        return agreed
    turn.agreed = made if agreed else None
    return False
