"""`disown`: let go of what the set owns."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from provisioning.cli.carrying_out import carry_out
from provisioning.cli.flags import Place, contacting, reading, selecting, writing

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@reading
@contacting
@selecting
@writing
def disown(place: Place, *, yes: bool, record: Path | None) -> int:
    """Let go of what the configs' set owns: it stays as it is, and belongs to no set."""
    from provisioning import runner  # noqa: PLC0415 - it imports the SDK

    carry_out(place, partial(runner.disown, select=place.select), yes=yes, record=record)
    return 0
