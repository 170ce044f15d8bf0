"""`graph`: a plan as a picture."""

from __future__ import annotations

import click

from provisioning.cli.flags import Place, contacting, reading, selecting
from provisioning.cli.places import workspace_of
from provisioning.reporters.graph import graph_of, mermaid
from provisioning.reporters.svg import svg


@click.command()
@reading
@contacting
@selecting
@click.option("--as", "picture", type=click.Choice(["mermaid", "svg"]), default="mermaid", help="What to draw.")
def graph(place: Place, *, picture: str) -> int:
    """Draw what an apply would do, and what has to be in place before what. Nothing is written."""
    from provisioning import runner  # noqa: PLC0415 - it imports the SDK

    with workspace_of(place) as (desired, access):
        made = runner.plan(desired, access=access, select=place.select, secret_values=False)
    drawn = graph_of(made, desired)
    click.echo(svg(drawn) if picture == "svg" else mermaid(drawn))
    return 0
