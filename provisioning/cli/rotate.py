"""`rotate`: a secret's new value, proved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioning.cli import terminal
from provisioning.cli.flags import Place, contacting, reading
from provisioning.cli.places import workspace_of

if TYPE_CHECKING:
    from provisioning.model.plan import Plan


@click.command()
@click.argument("secret", metavar="SCOPE/KEY")
@reading
@contacting
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="How long each endpoint may take.")
@click.option("--no-smoke-test", is_flag=True, help="Do not call the endpoints that use it.")
@click.option("--versioned", is_flag=True, help="Put it under a key of its own, and point the endpoints to that.")
@click.option("--rollback", is_flag=True, help="Fetch the old value before, and put it back if an endpoint fails.")
def rotate(
    place: Place,
    *,
    secret: str,
    yes: bool,
    timeout: float | None,
    no_smoke_test: bool,
    versioned: bool,
    rollback: bool,
) -> int:
    """Write a secret's new value, and call the endpoints that use it once each."""
    from provisioning import rotation  # noqa: PLC0415 - the SDK costs over a second

    with workspace_of(place) as (desired, access):

        def review(made: Plan) -> bool:
            if place.view.shows_plan_first:
                place.view.plan(made, positions=desired.positions)
            return terminal.agreed(made, yes=yes)

        report = rotation.rotate(
            desired,
            secret,
            access=access,
            review=review,
            on_event=place.view.event,
            timeout=timeout,
            smoke_test=not no_smoke_test,
            versioned=versioned,
            rollback=rollback,
        )
        place.view.report(report)
    return 0
