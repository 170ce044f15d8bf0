"""What a user sees and is asked. Results go to stdout, all else to stderr; colours only where somebody looks."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, TextIO

import click

from provisioning.errors import ConfigError, ProvisioningError, SourcesError, UnfinishedError
from provisioning.model.events import Event, Report
from provisioning.model.inert import inert
from provisioning.reporters import as_json, diagnostics
from provisioning.reporters.progress import Progress, outcome_text
from provisioning.reporters.text import plan_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provisioning.model.plan import Plan

_COLOURS = {"good": "green", "change": "yellow", "bad": "red"}


def review(made: Plan, *, form: str, yes: bool) -> bool:
    """Show a plan, and ask if there is something to ask and somebody to answer."""
    if form == "text":
        show_plan(made, form=form)
    if yes or made.guards or not made.changes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    return click.confirm("Carry it out?", err=True)


def show_plan(made: Plan, *, form: str, hint: str | None = None) -> None:
    """Put a plan on stdout."""
    if form == "json":
        click.echo(as_json.plan_json(made))
    else:
        click.echo(plan_text(made, paint=painter(sys.stdout), hint=hint))


def show_report(report: Report, *, form: str) -> None:
    """Say how an apply ended: as the result for programs, as a last line for people, who have seen the rest."""
    if form == "json":
        click.echo(as_json.outcome_json(report.plan, report.outcome))
    elif report.outcome is not None:
        click.echo(outcome_text(report.outcome), err=True)


@contextlib.contextmanager
def reported(form: str) -> Iterator[None]:
    """Put the report of an apply that did not end well on stdout as well, for programs that read it there."""
    try:
        yield
    except UnfinishedError as error:
        if form == "json" and isinstance(error.report, Report):
            show_report(error.report, form=form)
        raise


def listener() -> Callable[[Event], None]:
    """Return what writes a line to stderr for each event that is worth one."""
    lines = Progress(paint=painter(sys.stderr))

    def tell(event: Event) -> None:
        if line := lines.line(event):
            click.echo(line, err=True)

    return tell


def painter(stream: TextIO) -> Callable[..., str]:
    """Return a function that colours, or one that does not: for pipes, CI and NO_COLOR."""
    coloured = stream.isatty() and not os.environ.get("NO_COLOR") and not os.environ.get("CI")
    coloured = coloured and os.environ.get("TERM") != "dumb"

    def paint(text: str, *, style: str) -> str:
        if not coloured:
            return text
        return click.style(text, fg=_COLOURS.get(style), bold=style == "strong", dim=style == "faint")

    return paint


def show_error(error: ProvisioningError) -> None:
    """Say what is wrong, where, and what to do next."""
    match error:
        case ConfigError():
            click.echo(diagnostics.text(error.diagnostics), err=True)
        case SourcesError():
            for each in error.problems:
                say_error(f"{each.position}: {each.message}" if each.position else each.message, remedy=each.remedy)
            say_error(f"{error.message}; nothing was written", remedy=error.remedy)
        case _:
            say_error(str(error), remedy=error.remedy)


def say_error(message: str, *, remedy: str | None = None) -> None:
    """Write an error to stderr."""
    paint = painter(sys.stderr)
    click.echo(f"{paint('error:', style='bad')} {inert(message)}", err=True)
    if remedy:
        click.echo(f"  help: {inert(remedy)}", err=True)
