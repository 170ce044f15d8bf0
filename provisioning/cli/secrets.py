"""`secrets`: what becomes of secrets after they were put."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioning.cli.carrying_out import carry_out
from provisioning.cli.flags import Place, contacting, reading, writing

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def secrets() -> None:
    """Look after secrets that were put."""


@secrets.command("gc")
@reading
@contacting
@writing
def gc(place: Place, *, yes: bool, record: Path | None) -> int:
    """Remove what versioned rotations leave behind, as far as no endpoint refers to it.

    Without --yes, and without a terminal to ask, it is only shown.
    """
    from provisioning import rotation  # noqa: PLC0415 - it imports the SDK

    report = carry_out(place, rotation.collect, yes=yes, record=record, unasked=False)
    if report.outcome is None and report.plan.changes:
        click.echo("nothing was removed; --yes removes it", err=True)
    return 0
