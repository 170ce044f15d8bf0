"""The command `verify`: from its flags to a plan, or to a run and its exit code."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import threading
from typing import TYPE_CHECKING

import click

from local_workspace.verify import fixtures, report
from local_workspace.verify.caller import UnreachableError
from local_workspace.verify.check import UnansweredError
from local_workspace.verify.run import UnknownCheckError, chosen, verify
from local_workspace.verify.target import TargetError, target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LEFT = 1
_INTERRUPTED = 130


def run_command(
    host: str,
    *,
    token_file: Path | None,
    run: bool,
    only: tuple[str, ...],
    also: tuple[str, ...],
    calls: int,
    seconds: float,
    out: Path | None,
) -> int:
    """Show what would be asked, or ask; return the exit code.

    Raises:
        click.ClickException: it cannot begin, and why.
    """
    try:
        token = None if token_file is None else _read(token_file)
        asked = chosen(only, also)
        workspace = target(host, token=token, environ=os.environ)
        if not run:
            click.echo(report.plan(workspace.host, asked, calls=calls, seconds=seconds))
            return 0
        if out is not None:
            # Before anything is made: nobody asks in vain for want of a place to write to.
            _check_writable(out)
        name = secrets.token_hex(4)
        click.echo(f"asking {workspace.host}; all that is made begins with gatewright-verify-{name}", err=True)
        with _ends_by_interrupt():
            outcome = verify(
                workspace,
                asked,
                run=name,
                calls=calls,
                seconds=seconds,
                told=lambda each: click.echo(report.line(each)),
            )
    except (TargetError, UnknownCheckError) as error:
        raise click.UsageError(report.safe(str(error))) from error
    except (UnansweredError, UnreachableError) as error:
        raise click.ClickException(report.safe(str(error))) from error
    if out is not None:
        _write(out, fixtures.document(outcome, workspace) + "\n")
    click.echo(report.summary(outcome))
    if outcome.left:
        return _LEFT
    return _INTERRUPTED if outcome.interrupted else 0


def _read(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"cannot read a token from {path}") from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from error


def _check_writable(path: Path) -> None:
    """Open the file for writing and leave it as it was: it may hold the answers of an earlier run."""
    is_new = not path.exists()
    try:
        path.open("a").close()
        if is_new:
            path.unlink()
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from error


@contextlib.contextmanager
def _ends_by_interrupt() -> Iterator[None]:
    """Let a SIGTERM end the run as Ctrl-C does, which removes what was made; a second one does not stop that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
