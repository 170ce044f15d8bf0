"""The command line: flags in, a use case called, an exit code out. The only place that prints, asks or exits.

What belongs here: the commands below, the flags they share, and what a user sees of errors, plans and progress.
Exit codes: 0 done or nothing to do, 1 error, 2 changes pending (`plan --detailed-exitcode`), 3 blocked by a
guard, 4 applied but not ready in time, 5 applied in part, 130 interrupted.

What may never happen here: a decision about a workspace; anything but the result on stdout; a traceback for bad
input; an import of the SDK before a workspace is contacted (`--help` and `validate` stay fast).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from provisioning.cli import plan_files, terminal
from provisioning.cli.doctor import doctor
from provisioning.cli.export import export
from provisioning.cli.flags import Place, changing, contacting, reading, selecting
from provisioning.cli.graph import graph
from provisioning.cli.init import init
from provisioning.cli.places import configs_of, workspace_of
from provisioning.cli.recording import recorded
from provisioning.cli.rotate import rotate
from provisioning.cli.schema import schema
from provisioning.errors import ProvisioningError
from provisioning.model.inert import inert
from provisioning.reporters.values import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioning.model.events import Report
    from provisioning.model.plan import Plan
    from provisioning.model.workspace import Desired
    from provisioning.planning.circumstances import Options

_INTERRUPTED = 130
_PENDING = 2


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    code = run(sys.argv[1:])
    if code == _INTERRUPTED:
        # after a second Ctrl-C calls are still in flight, and leaving the usual way would wait for their threads
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: what follows the program's name.

    Returns:
        The exit code.
    """
    try:
        code = commands.main(args=list(arguments), prog_name="python -m provisioning", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        terminal.say_error("interrupted before anything was written", remedy="run it again")
        return _INTERRUPTED
    except click.ClickException as error:
        error.show()
        return 1  # click's own 2 would read as "changes pending"
    except ProvisioningError as error:
        terminal.show_error(error)
        return error.exit_code
    except BrokenPipeError:
        # whoever read our output is gone: stdout must not complain of it again when it is closed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # the process's boundary: a bug ends in a sentence, not in a traceback
        if os.environ.get("PROVISIONING_DEBUG"):
            raise
        terminal.say_error(
            f"internal error: {type(error).__name__}", remedy="PROVISIONING_DEBUG=1 shows where; please report it"
        )
        return 1
    return code if isinstance(code, int) else 0


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="gatewright", prog_name="gatewright")
def commands() -> None:
    """Make a Databricks workspace hold the secret scopes and serving endpoints that a folder of YAML declares."""


@commands.command()
@reading
def validate(place: Place) -> int:
    """Check configs, offline."""
    desired = configs_of(place)
    scopes, endpoints = counted(len(desired.scopes), "secret scope"), counted(len(desired.endpoints), "endpoint")
    where = f"{inert(desired.set_name)}, target {inert(desired.target.name)}"
    place.view.valid(f"{where}: {scopes} and {endpoints} are valid.", desired.notes)
    return 0


@commands.command()
@reading
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
    from provisioning import runner  # noqa: PLC0415 - the SDK costs over a second

    if out is not None and drift_only:
        raise click.UsageError("--out writes a plan that can be applied, and --drift-only shows a part of one")
    if no_secret_values and options.compare_values:
        raise click.UsageError("--compare-values compares what the sources hold, and --no-secret-values reads none")
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


@commands.command()
@reading
@contacting
@selecting
@changing
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), help="Do what this file shows, and no more.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--no-wait", is_flag=True, help="Do not wait until endpoints are ready.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="How long each endpoint may take.")
@click.option(
    "--require-sources", is_flag=True, help="Fail if a secret's source holds nothing, even if its key exists."
)
@click.option("--smoke-test", is_flag=True, help="Call each endpoint once as it becomes ready; costs a few tokens.")
@click.option("--rollback", is_flag=True, help="With --smoke-test: put the previous config back if it fails.")
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), help="Append what was done, as JSON lines.")
def apply(
    place: Place,
    *,
    options: Options,
    plan_file: Path | None,
    yes: bool,
    no_wait: bool,
    timeout: float | None,
    require_sources: bool,
    smoke_test: bool,
    rollback: bool,
    record: Path | None,
) -> int:
    """Make the workspace hold what the configs say. Safe to run again at any time."""
    from provisioning import runner  # noqa: PLC0415 - the SDK costs over a second

    if rollback and not smoke_test:
        raise click.UsageError("--rollback goes by --smoke-test: add it")
    if smoke_test and no_wait:
        raise click.UsageError("--smoke-test calls endpoints when they are ready: leave --no-wait out")
    shown = None
    if plan_file is not None:
        place, options, shown = plan_files.read(plan_file, place, options=options)
    with recorded(record) as kept, workspace_of(place, on_call=kept.call) as (desired, access):
        report = runner.apply(
            desired,
            access=access,
            options=options,
            select=place.select,
            shown=shown,
            review=lambda made: _review(place, kept.begun(made), desired, yes=yes or shown is not None),
            on_event=kept.and_then(place.view.event),
            require_sources=require_sources,
            waiting=not no_wait,
            timeout=timeout,
            smoke_test=smoke_test,
            rollback=rollback,
        )
        place.view.report(report)
    return 0


@commands.command()
@reading
@contacting
@selecting
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def destroy(place: Place, *, yes: bool) -> int:
    """Delete everything that the configs' set owns in the workspace, and nothing else."""
    from provisioning import runner  # noqa: PLC0415 - the SDK costs over a second

    return _part_with(place, runner.destroy, yes=yes)


@commands.command()
@reading
@contacting
@selecting
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def disown(place: Place, *, yes: bool) -> int:
    """Let go of what the configs' set owns: it stays as it is, and belongs to no set."""
    from provisioning import runner  # noqa: PLC0415 - the SDK costs over a second

    return _part_with(place, runner.disown, yes=yes)


@commands.command()
@reading
@contacting
@selecting
def status(place: Place) -> int:
    """Show how each declared object stands in the workspace."""
    from provisioning import runner  # noqa: PLC0415 - the SDK costs over a second

    with workspace_of(place) as (desired, access):
        found = runner.status(desired, access=access, select=place.select)
    place.view.standings(found)
    return 0


@commands.command()
@reading
@contacting
@selecting
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="How long each endpoint may take.")
@click.option("--smoke", is_flag=True, help="Call each endpoint once when it is ready; costs a few tokens.")
def wait(place: Place, *, timeout: float | None, smoke: bool) -> int:
    """Wait until every declared endpoint is ready."""
    from provisioning import runner  # noqa: PLC0415 - the SDK costs over a second

    with workspace_of(place) as (desired, access):
        report = runner.wait(
            desired, access=access, select=place.select, on_event=place.view.event, timeout=timeout, smoke_test=smoke
        )
        place.view.report(report)
    return 0


def _part_with(place: Place, use_case: Callable[..., Report], *, yes: bool) -> int:
    with workspace_of(place) as (desired, access):
        report = use_case(
            desired,
            access=access,
            select=place.select,
            review=lambda made: _review(place, made, desired, yes=yes),
            on_event=place.view.event,
        )
        place.view.report(report)
    return 0


def _review(place: Place, made: Plan, desired: Desired, *, yes: bool) -> bool:
    if place.view.shows_plan_first:
        place.view.plan(made, positions=desired.positions)
    place.view.notes([each for each in made.diagnostics if each.severity != "error"])
    return terminal.agreed(made, yes=yes)


for each in (doctor, export, graph, init, rotate, schema):
    commands.add_command(each)
