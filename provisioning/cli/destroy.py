"""`destroy`: delete what the set owns."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from provisioning.cli.carrying_out import carry_out
from provisioning.cli.flags import Place, contacting, reading_each, selecting, writing

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@reading_each
@contacting
@selecting
@writing
def destroy(place: Place, *, yes: bool, record: Path | None) -> int:
    """Delete everything that the configs' set owns in the workspace, and nothing else."""
    from provisioning import runner  # noqa: PLC0415 - it imports the SDK

    carry_out(place, partial(runner.destroy, select=place.select), yes=yes, record=record)
    return 0
