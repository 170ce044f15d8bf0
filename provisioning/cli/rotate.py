"""`rotate`: a secret's new value, proved."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from provisioning.cli.carrying_out import carry_out
from provisioning.cli.flags import Place, contacting, reading, writing

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("secret", metavar="SCOPE/KEY")
@reading
@contacting
@writing
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="How long each endpoint may take.")
@click.option("--no-smoke-test", is_flag=True, help="Do not call the endpoints that use it.")
@click.option("--versioned", is_flag=True, help="Put it under a key of its own, and point the endpoints to that.")
@click.option("--rollback", is_flag=True, help="Fetch the old value before, and put it back if an endpoint fails.")
def rotate(
    place: Place,
    *,
    secret: str,
    yes: bool,
    record: Path | None,
    timeout: float | None,
    no_smoke_test: bool,
    versioned: bool,
    rollback: bool,
) -> int:
    """Write a secret's new value, and call the endpoints that use it once each."""
    from provisioning import rotation  # noqa: PLC0415 - it imports the SDK

    use_case = partial(
        rotation.rotate,
        secret=secret,
        timeout=timeout,
        smoke_test=not no_smoke_test,
        versioned=versioned,
        rollback=rollback,
    )
    carry_out(place, use_case, yes=yes, record=record)
    return 0
