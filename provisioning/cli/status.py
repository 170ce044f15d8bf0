"""`status`: what is live?"""

from __future__ import annotations

import click

from provisioning.cli.flags import Place, contacting, reading_each, selecting
from provisioning.cli.places import workspace_of


@click.command()
@reading_each
@contacting
@selecting
def status(place: Place) -> int:
    """Show how each declared object stands in the workspace."""
    from provisioning import runner  # noqa: PLC0415 - it imports the SDK

    with workspace_of(place) as (desired, access):
        found = runner.status(desired, access=access, select=place.select)
    place.view.standings(found)
    return 0
