"""`doctor`: is everything there that an apply, and the endpoints after it, will need?"""

from __future__ import annotations

import click

from provisioning.cli.flags import Place, contacting, reading, selecting
from provisioning.cli.places import workspace_of
from provisioning.model.checkup import Health


@click.command()
@reading
@contacting
@selecting
def doctor(place: Place) -> int:
    """Check host, identity, rights, limits, and who may read the secrets that endpoints refer to.

    Nothing is written and no secret is read. Exits with 1 if an apply or an endpoint would fail.
    """
    from provisioning import inspection  # noqa: PLC0415 - it imports the SDK

    with workspace_of(place, configs_needed=False) as (desired, access):
        found = inspection.doctor(desired, access=access, select=place.select)
    place.view.checkup(found)
    return int(any(each.health is Health.PROBLEM for each in found))
