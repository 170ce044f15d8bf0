"""`secrets`: what becomes of secrets after they were put."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioning.cli import terminal
from provisioning.cli.flags import Place, contacting, reading
from provisioning.cli.places import workspace_of

if TYPE_CHECKING:
    from provisioning.model.plan import Plan


@click.group()
def secrets() -> None:
    """Look after secrets that were put."""


@secrets.command("gc")
@reading
@contacting
@click.option(
    "-y", "--yes", is_flag=True, help="Remove them; without it, and without a terminal to ask, they are shown."
)
def gc(place: Place, *, yes: bool) -> int:
    """Remove what versioned rotations leave behind, as far as no endpoint refers to it."""
    from provisioning import rotation  # noqa: PLC0415 - the SDK costs over a second

    def review(made: Plan) -> bool:
        if place.view.shows_plan_first:
            place.view.plan(made, positions=desired.positions)
        return (yes or terminal.somebody_answers()) and terminal.agreed(made, yes=yes)

    with workspace_of(place) as (desired, access):
        report = rotation.collect(desired, access=access, review=review, on_event=place.view.event)
        place.view.report(report)
    if report.outcome is None and report.plan.changes:
        click.echo("nothing was removed; --yes removes it", err=True)
    return 0
