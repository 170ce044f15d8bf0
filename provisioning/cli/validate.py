"""`validate`: are the configs right?"""

from __future__ import annotations

import click

from provisioning.cli.flags import Place, reading_each
from provisioning.cli.places import configs_of
from provisioning.model.counting import counted
from provisioning.model.inert import inert


@click.command()
@reading_each
def validate(place: Place) -> int:
    """Check configs, offline."""
    desired = configs_of(place)
    scopes, endpoints = counted(len(desired.scopes), "secret scope"), counted(len(desired.endpoints), "endpoint")
    where = f"{inert(desired.set_name)}, target {inert(desired.target.name)}"
    place.view.valid(f"{where}: {scopes} and {endpoints} are valid.", desired.notes)
    return 0
