"""`export`: what is live, as configs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioning.cli.flags import Place, contacting, reading
from provisioning.cli.new_files import write_new
from provisioning.cli.places import workspace_of
from provisioning.errors import ProvisioningError
from provisioning.model.inert import inert
from provisioning.model.workspace import Target

if TYPE_CHECKING:
    from provisioning.exporting.export import Export
    from provisioning.model.workspace import Desired

_NAMELESS = "exported"


@click.command()
@reading
@contacting
@click.option("--filter", "patterns", multiple=True, metavar="GLOB", help="Only what has such a name or address.")
@click.option(
    "--as",
    "layout",
    type=click.Choice(["configs", "bundle"]),
    default="configs",
    help="Whether our additions stand apart.",
)
@click.option("--by-tag", metavar="KEY", help="A file of endpoints for each value of the tag (with --out).")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write a folder, a new one."
)
def export(place: Place, *, patterns: tuple[str, ...], layout: str, by_tag: str | None, out: Path | None) -> int:
    """Write what is live as configs: scopes (keys, never values), rights, endpoints, permissions.

    With CONFIGS, what belongs to their set or to none; without any, everything that you may see. A plan of what
    was exported is empty, but for what belongs to no set yet: `apply --adopt` takes it over as it is.
    """
    from provisioning import inspection  # noqa: PLC0415 - it imports the SDK

    if out is None and (by_tag or layout == "bundle"):
        raise click.UsageError("--by-tag and --as bundle write several files: add --out DIR")
    if out is not None and out.exists() and any(out.iterdir()):
        raise ProvisioningError(f"{out} is not empty", remedy="name a new folder: nothing is ever overwritten")
    with workspace_of(place, configs_needed=False) as (desired, access):
        found = inspection.export(desired, access=access, patterns=patterns)
    for note in found.notes:
        click.echo(f"note: {inert(note)}", err=True)
    name, target = _set_of(desired, found, place, out)
    if out is None:
        from provisioning.exporting.files import document  # noqa: PLC0415 - needs YAML

        click.echo(document(found, set_name=name, target=target), nl=False)
        return 0
    from provisioning.exporting.files import folder  # noqa: PLC0415 - as above

    files = folder(found, set_name=name, target=target, as_bundle=layout == "bundle", by_tag=by_tag)
    write_new({out / path: text for path, text in files.items()})
    return 0


def _set_of(desired: Desired, found: Export, place: Place, out: Path | None) -> tuple[str, Target]:
    if desired.set_name:
        return desired.set_name, desired.target
    name = out.resolve().name if out else _NAMELESS
    return name, Target(name="local") if place.local else Target(name="main", host=found.host)
