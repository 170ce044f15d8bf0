"""`plan`: what would an apply do?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioning.cli import plan_files
from provisioning.cli.flags import Place, contacting, reading_each, selecting
from provisioning.cli.guards import changing
from provisioning.cli.places import workspace_of

if TYPE_CHECKING:
    from provisioning.planning.circumstances import Options

_PENDING = 2


@click.command()
@reading_each
@contacting
@selecting
@changing
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the plan for `apply --plan`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if something would change.")
@click.option("--drift-only", is_flag=True, help="Leave out what the configs themselves change.")
@click.option("--no-secret-values", is_flag=True, help="Do not read the secrets' sources.")
def plan(
    place: Place,
    *,
    options: Options,
    out: Path | None,
    detailed_exitcode: bool,
    drift_only: bool,
    no_secret_values: bool,
) -> int:
    """Show what an apply would do. Nothing is written."""
    from provisioning import runner  # noqa: PLC0415 - it imports the SDK

    if out is not None and drift_only:
        raise click.UsageError("--out writes a plan that can be applied, and --drift-only shows a part of one")
    if no_secret_values and options.compare_values:
        raise click.UsageError("--compare-values compares what the sources hold, and --no-secret-values reads none")
    if out is not None and place.turn is not None:
        raise click.UsageError("--out writes the plan of one target: name one, and each its own file")
    with workspace_of(place) as (desired, access):
        made = runner.plan(
            desired,
            access=access,
            options=options,
            select=place.select,
            secret_values=not no_secret_values,
            drift_only=drift_only,
        )
    if out is not None:
        plan_files.write(out, place, options=options, made=made)
    place.view.plan(made, positions=desired.positions, hint="`apply` carries it out.")
    place.view.notes(made.diagnostics)
    if place.strict and made.diagnostics:
        return 1
    return _PENDING if detailed_exitcode and made.pending else 0
