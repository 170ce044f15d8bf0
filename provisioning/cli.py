"""The command line: flags in, a use case called, an exit code out. The only place that prints, asks or exits.

The result alone goes to stdout; progress, warnings and errors go to stderr. Exit codes: 0 done or nothing to do,
1 error, 2 changes pending (`plan --detailed-exitcode`), 3 blocked by a guard, 4 applied but not ready in time,
5 applied in part, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click
from pydantic import SecretStr

from provisioning.errors import ConfigError, ProvisioningError, SourcesError, UnfinishedError
from provisioning.model.inert import inert
from provisioning.planning.circumstances import Options
from provisioning.reporters import diagnostics as diagnostics_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from provisioning.model.events import Event
    from provisioning.model.plan import Plan
    from provisioning.model.workspace import Desired
    from provisioning.runner import Access, Report

_COLOURS = {"good": "green", "change": "yellow", "bad": "red"}
_INTERRUPTED = 130
_PENDING = 2
_DEFAULT_CONFIGS = Path("configs")


@dataclass(frozen=True)
class Place:
    """What to read, and where to apply it: the flags that commands share.

    Attributes:
        configs: folders and files.
        target: the target's name; None for the default one.
        variables: `name=value`, as given.
        form: `text` or `json`.
        strict: whether warnings are errors.
        local: whether to use the embedded workspace.
        state: the embedded workspace's folder.
        allowed: the programs that `command` sources may run.
    """

    configs: tuple[Path, ...]
    target: str | None
    variables: tuple[str, ...]
    form: str
    strict: bool
    local: bool = False
    state: Path | None = None
    allowed: tuple[str, ...] = ()


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


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
        _say_error("interrupted before anything was written", remedy="run it again")
        return _INTERRUPTED
    except click.ClickException as error:
        error.show()
        return 1  # click's own 2 would read as "changes pending"
    except ProvisioningError as error:
        _show(error)
        return error.exit_code
    except BrokenPipeError:
        # whoever read our output is gone: stdout must not complain of it again when it is closed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # the process's boundary: a bug ends in a sentence, not in a traceback
        if os.environ.get("PROVISIONING_DEBUG"):
            raise
        _say_error(
            f"internal error: {type(error).__name__}", remedy="PROVISIONING_DEBUG=1 shows where; please report it"
        )
        return 1
    return code if isinstance(code, int) else 0


def _reading(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the flags that say what to read, gathered in a `Place`."""

    @click.argument("configs", nargs=-1, type=click.Path(path_type=Path))
    @click.option("-t", "--target", help="The target to use; the configs' default one otherwise.")
    @click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="A variable's value.")
    @click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="What stdout carries.")
    @click.option("--strict", is_flag=True, help="Take warnings for errors.")
    @functools.wraps(command)
    def gathered(**flags: Any) -> int:  # noqa: ANN401 - click's own
        names = set(Place.__dataclass_fields__)
        place = Place(**{name: value for name, value in flags.items() if name in names})
        return command(place, **{name: value for name, value in flags.items() if name not in names})

    return gathered


def _contacting(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the flags that say which workspace is meant, besides those of `_reading`."""
    command = click.option("--allow-command", "allowed", multiple=True, metavar="NAME", help="A program to run.")(
        command
    )
    state = click.Path(path_type=Path, file_okay=False)
    command = click.option("--state", type=state, help="The embedded workspace's folder.")(command)
    return click.option("--local", is_flag=True, help="Use the embedded workspace: no account, no network.")(command)


def _changing(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the flags that open guards, gathered in `options`."""
    names = {
        "adopt": "Take over what is live and belongs to no set.",
        "prune": "Delete what the set owns and the configs no longer name.",
        "allow_destructive": "Replace endpoints, delete scopes, prune a large share.",
        "allow_widening": "Send a secret elsewhere, or give more people access.",
        "write_unknown_secrets": "Write secrets of which it cannot be told whether they differ.",
        "overwrite_outside_changes": "In production mode, put back what was changed outside.",
    }

    @functools.wraps(command)
    def gathered(*arguments: Any, **flags: Any) -> int:  # noqa: ANN401 - click's own
        options = Options(**{name: flags.pop(name) for name in names})
        return command(*arguments, options=options, **flags)

    for name, text in reversed(names.items()):
        gathered = click.option(f"--{name.replace('_', '-')}", is_flag=True, help=text)(gathered)
    return gathered


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="gatewright", prog_name="gatewright")
def commands() -> None:
    """Make a Databricks workspace hold the secret scopes and serving endpoints that a folder of YAML declares."""


@commands.command()
@_reading
def validate(place: Place) -> int:
    """Check configs, offline."""
    try:
        desired = _load(place)
    except ConfigError as error:
        if place.form != "json":
            raise
        click.echo(diagnostics_report.as_json(error.diagnostics))
        return error.exit_code
    if place.form == "json":
        click.echo(diagnostics_report.as_json(desired.notes))
    else:
        found = f"{len(desired.scopes)} secret scopes and {len(desired.endpoints)} endpoints"
        click.echo(f"{inert(desired.set_name)}, target {inert(desired.target.name)}: {found} are valid.")
    return 0


@commands.command()
@_reading
@_contacting
@_changing
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if something would change.")
@click.option("--no-secret-values", is_flag=True, help="Do not read the secrets' sources.")
def plan(place: Place, *, options: Options, detailed_exitcode: bool, no_secret_values: bool) -> int:
    """Show what an apply would do. Nothing is written."""
    from provisioning import runner  # noqa: PLC0415 - the SDK costs over a second

    with _workspace(place) as (desired, access):
        made = runner.plan(desired, access=access, options=options, secret_values=not no_secret_values)
    _show_plan(made, place, hint="`apply` carries it out.")
    return _PENDING if detailed_exitcode and made.pending else 0


@commands.command()
@_reading
@_contacting
@_changing
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--no-wait", is_flag=True, help="Do not wait until endpoints are ready.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="How long each endpoint may take.")
@click.option(
    "--require-sources", is_flag=True, help="Fail if a secret's source holds nothing, even if its key exists."
)
def apply(
    place: Place,
    *,
    options: Options,
    yes: bool,
    no_wait: bool,
    timeout: float | None,
    require_sources: bool,
) -> int:
    """Make the workspace hold what the configs say. Safe to run again at any time."""
    from provisioning import runner  # noqa: PLC0415 - the SDK costs over a second

    with _workspace(place) as (desired, access), _reported(place):
        report = runner.apply(
            desired,
            access=access,
            options=options,
            review=lambda made: _review(made, place, yes=yes),
            on_event=_progress(),
            require_sources=require_sources,
            waiting=not no_wait,
            timeout=timeout,
        )
        _show_report(report, place)
    return 0


@commands.command()
@_reading
@_contacting
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def destroy(place: Place, *, yes: bool) -> int:
    """Delete everything that the configs' set owns in the workspace, and nothing else."""
    from provisioning import runner  # noqa: PLC0415 - the SDK costs over a second

    with _workspace(place) as (desired, access), _reported(place):
        report = runner.destroy(
            desired, access=access, review=lambda made: _review(made, place, yes=yes), on_event=_progress()
        )
        _show_report(report, place)
    return 0


@commands.command()
@_reading
@_contacting
def status(place: Place) -> int:
    """Show how each declared object stands in the workspace."""
    from provisioning import runner  # noqa: PLC0415 - the SDK costs over a second
    from provisioning.reporters import as_json, standings  # noqa: PLC0415 - as above

    with _workspace(place) as (desired, access):
        found = runner.status(desired, access=access)
    click.echo(as_json.standings_json(found) if place.form == "json" else standings.standings_text(found))
    return 0


@commands.command()
@_reading
@_contacting
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="How long each endpoint may take.")
def wait(place: Place, *, timeout: float | None) -> int:
    """Wait until every declared endpoint is ready."""
    from provisioning import runner  # noqa: PLC0415 - the SDK costs over a second

    with _workspace(place) as (desired, access), _reported(place):
        report = runner.wait(desired, access=access, on_event=_progress(), timeout=timeout)
        if place.form == "json":
            _show_report(report, place)
    return 0


def _load(place: Place) -> Desired:
    """Read the configs; notes and warnings go to stderr."""
    from provisioning.config import load  # noqa: PLC0415 - --help needs no YAML

    variables = dict(_variable(each) for each in place.variables)
    desired = load(place.configs or (_DEFAULT_CONFIGS,), target=place.target, variables=variables)
    if place.strict and any(each.severity == "warning" for each in desired.notes):
        raise ConfigError(desired.notes)
    if desired.notes and place.form != "json":
        click.echo(diagnostics_report.text(desired.notes), err=True)
    return desired


def _variable(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals or not name:
        raise click.UsageError("--var takes NAME=VALUE")  # what was given is not repeated: it may be a secret
    return name, value


@contextlib.contextmanager
def _workspace(place: Place) -> Iterator[tuple[Desired, Access]]:
    """Read the configs and say which workspace to use; with --local, keep the embedded one open meanwhile."""
    if place.state is not None and not place.local:
        raise click.UsageError("--state is the embedded workspace's folder: add --local")
    desired = _load(place)
    from provisioning.runner import Access  # noqa: PLC0415 - the SDK costs over a second
    from provisioning.workspace.location import check_local, databricks_variables  # noqa: PLC0415 - as above

    allowed = frozenset(place.allowed)
    if not place.local:
        yield desired, Access(allowed_commands=allowed)
        return
    check_local(desired.target)
    if ignored := databricks_variables(os.environ):
        click.echo(f"note: --local ignores {', '.join(ignored)}", err=True)
    # a proxy of the environment is for other hosts: nothing may leave this machine
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    from local_workspace.embedded import open_embedded  # noqa: PLC0415 - only --local needs it

    try:
        with open_embedded(place.state) as embedded:
            yield desired, Access(host=embedded.host, token=SecretStr(embedded.token), allowed_commands=allowed)
    except (OSError, TimeoutError) as error:
        raise ProvisioningError(
            f"the embedded workspace cannot be opened: {error}", remedy="--state DIR chooses another folder"
        ) from error


def _review(made: Plan, place: Place, *, yes: bool) -> bool:
    """Show a plan, and ask if there is something to ask and somebody to answer."""
    if place.form == "text":
        _show_plan(made, place)
    if yes or made.guards or not made.changes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    return click.confirm("Carry it out?", err=True)


def _show_plan(made: Plan, place: Place, *, hint: str | None = None) -> None:
    from provisioning.reporters import as_json, text  # noqa: PLC0415 - `validate` does without

    json_wanted = place.form == "json"
    click.echo(as_json.plan_json(made) if json_wanted else text.plan_text(made, paint=_painter(sys.stdout), hint=hint))


def _show_report(report: Report, place: Place) -> None:
    from provisioning.reporters import as_json, progress  # noqa: PLC0415 - `validate` does without

    if place.form == "json":
        click.echo(as_json.outcome_json(report.plan, report.outcome))
    elif report.outcome is not None:
        click.echo(progress.outcome_text(report.outcome), err=True)


@contextlib.contextmanager
def _reported(place: Place) -> Iterator[None]:
    """Put the report of an apply that did not end well on stdout as well, for programs that read it there."""
    from provisioning.runner import Report  # noqa: PLC0415 - `validate` does without

    try:
        yield
    except UnfinishedError as error:
        if place.form == "json" and isinstance(error.report, Report):
            _show_report(error.report, place)
        raise


def _progress() -> Callable[[Event], None]:
    """Return a listener that writes a line to stderr for each event that is worth one."""
    from provisioning.reporters.progress import Progress  # noqa: PLC0415 - `validate` does without

    lines = Progress(paint=_painter(sys.stderr))

    def tell(event: Event) -> None:
        if line := lines.line(event):
            click.echo(line, err=True)

    return tell


def _painter(stream: TextIO) -> Callable[..., str]:
    """Return a function that colours, or one that does not: for pipes, CI and NO_COLOR."""
    coloured = stream.isatty() and not os.environ.get("NO_COLOR") and not os.environ.get("CI")
    coloured = coloured and os.environ.get("TERM") != "dumb"

    def paint(text: str, *, style: str) -> str:
        if not coloured:
            return text
        return click.style(text, fg=_COLOURS.get(style), bold=style == "strong", dim=style == "faint")

    return paint


def _show(error: ProvisioningError) -> None:
    match error:
        case ConfigError():
            click.echo(diagnostics_report.text(error.diagnostics), err=True)
        case SourcesError():
            for each in error.problems:
                _say_error(f"{each.position}: {each.message}" if each.position else each.message, remedy=each.remedy)
            _say_error(f"{error.message}; nothing was written", remedy=error.remedy)
        case _:
            _say_error(str(error), remedy=error.remedy)


def _say_error(message: str, *, remedy: str | None = None) -> None:
    paint = _painter(sys.stderr)
    click.echo(f"{paint('error:', style='bad')} {inert(message)}", err=True)
    if remedy:
        click.echo(f"  help: {inert(remedy)}", err=True)
