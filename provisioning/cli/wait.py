"""`wait`: until endpoints are ready."""

from __future__ import annotations

import click

from provisioning.cli.flags import Place, contacting, reading, selecting
from provisioning.cli.places import workspace_of


@click.command()
@reading
@contacting
@selecting
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="How long each endpoint may take.")
@click.option("--smoke", is_flag=True, help="Call each endpoint once when it is ready; costs a few tokens.")
def wait(place: Place, *, timeout: float | None, smoke: bool) -> int:
    """Wait until every declared endpoint is ready."""
    from provisioning import runner  # noqa: PLC0415 - it imports the SDK

    with workspace_of(place) as (desired, access):
        report = runner.wait(
            desired, access=access, select=place.select, on_event=place.view.event, timeout=timeout, smoke_test=smoke
        )
        place.view.report(report)
    return 0
