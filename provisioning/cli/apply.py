"""`apply`: make the workspace hold what the configs say."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioning.cli import plan_files
from provisioning.cli.carrying_out import carry_out
from provisioning.cli.flags import Place, contacting, reading_each, selecting, writing
from provisioning.cli.guards import changing

if TYPE_CHECKING:
    from provisioning.planning.circumstances import Options


@click.command()
@reading_each
@contacting
@selecting
@changing
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), help="Do what this file shows, and no more.")
@writing
@click.option("--no-wait", is_flag=True, help="Do not wait until endpoints are ready.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="How long each endpoint may take.")
@click.option(
    "--require-sources", is_flag=True, help="Fail if a secret's source holds nothing, even if its key exists."
)
@click.option("--smoke-test", is_flag=True, help="Call each endpoint once as it becomes ready; costs a few tokens.")
@click.option("--rollback", is_flag=True, help="With --smoke-test: put the previous config back if it fails.")
def apply(
    place: Place,
    *,
    options: Options,
    plan_file: Path | None,
    yes: bool,
    record: Path | None,
    no_wait: bool,
    timeout: float | None,
    require_sources: bool,
    smoke_test: bool,
    rollback: bool,
) -> int:
    """Make the workspace hold what the configs say. Safe to run again at any time."""
    from provisioning import runner  # noqa: PLC0415 - it imports the SDK

    if rollback and not smoke_test:
        raise click.UsageError("--rollback goes by --smoke-test: add it")
    if smoke_test and no_wait:
        raise click.UsageError("--smoke-test calls endpoints when they are ready: leave --no-wait out")
    shown = None
    if plan_file is not None:
        place, options, shown = plan_files.read(plan_file, place, options=options)
    use_case = partial(
        runner.apply,
        options=options,
        select=place.select,
        shown=shown,
        require_sources=require_sources,
        waiting=not no_wait,
        timeout=timeout,
        smoke_test=smoke_test,
        rollback=rollback,
    )
    carry_out(place, use_case, yes=yes or shown is not None, record=record)
    return 0
