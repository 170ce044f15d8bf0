"""What a user sees and is asked. Results go to stdout, all else to stderr; colours only where somebody looks."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING, TextIO

import click

from provisioning.cli.screen import STDERR
from provisioning.errors import ConfigError, ProvisioningError, SourcesError
from provisioning.model.inert import inert
from provisioning.reporters import diagnostics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provisioning.model.plan import Plan

PATIENCE = 2.0
"""Seconds after which somebody who waits for a host is told that it has not answered."""

_COLOURS = {"good": "green", "change": "yellow", "bad": "red"}


def somebody_answers() -> bool:
    """Tell whether there is somebody to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def agreed(made: Plan, *, yes: bool, of: str | None = None) -> bool:
    """Ask whether to carry a plan out, if there is something to ask and somebody to answer.

    Args:
        made: the plan.
        yes: whether nobody is asked.
        of: the target, where there are several.
    """
    if yes or made.guards or made.errors or not made.changes or not somebody_answers():
        return True
    return click.confirm(f"Carry it out in {inert(of)}?" if of else "Carry it out?", err=True)


@contextlib.contextmanager
def patience(host: str) -> Iterator[None]:
    """Say that a host takes its time, if it does: it is tried for a while before it is given up."""

    def say() -> None:
        with STDERR.above():
            click.echo(f"{inert(host)} has not answered yet; still trying", err=True)

    late = threading.Timer(PATIENCE, say)
    late.daemon = True
    late.start()
    try:
        yield
    finally:
        late.cancel()


def painter(stream: TextIO) -> Callable[..., str]:
    """Return a function that colours, or one that does not: for pipes, CI and NO_COLOR."""
    coloured = stream.isatty() and not os.environ.get("NO_COLOR") and not os.environ.get("CI")
    coloured = coloured and os.environ.get("TERM") != "dumb"

    def paint(text: str, *, style: str) -> str:
        if not coloured:
            return text
        return click.style(text, fg=_COLOURS.get(style), bold=style == "strong", dim=style == "faint")

    return paint


def show_error(error: ProvisioningError, *, of: str | None = None) -> None:
    """Say what is wrong, where, and what to do next.

    Args:
        error: what went wrong.
        of: the target, where there are several.
    """
    before = f"{of}: " if of else ""
    match error:
        case ConfigError():
            if of:
                say_error(f"{before}{error.message}")
            with STDERR.above():
                click.echo(diagnostics.text(error.diagnostics), err=True)
        case SourcesError():
            for each in error.problems:
                at = f"{each.position}: " if each.position else ""
                say_error(f"{before}{at}{each.message}", remedy=each.remedy)
            say_error(f"{before}{error.message}; nothing was written", remedy=error.remedy)
        case _:
            say_error(f"{before}{error}", remedy=error.remedy)


def say_error(message: str, *, remedy: str | None = None) -> None:
    """Write an error to stderr."""
    paint = painter(sys.stderr)
    with STDERR.above():
        click.echo(f"{paint('error:', style='bad')} {inert(message)}", err=True)
        if remedy:
            click.echo(f"  help: {inert(remedy)}", err=True)
