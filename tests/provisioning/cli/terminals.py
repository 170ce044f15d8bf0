"""A command on a terminal of its own."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CTRL_C = b"\x03"
ASKED = "[y/N]:"
SILENCES = 120
"""Seconds without a word after which a command is ended: it hangs."""

_ON_THIS_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # whose Ctrl-C is ours
os.execv(sys.executable, [sys.executable, "-m", "provisioning", *sys.argv[1:]])
"""


def on_terminal(
    *arguments: object,
    answer: Callable[[str], bytes | None] = lambda _shown: None,
    interrupt_at: str | None = None,
    **environment: str,
) -> tuple[int, str]:
    """Run a command on a pseudo-terminal.

    Args:
        arguments: the command line.
        answer: shown, at each question, all that the terminal has shown so far; returns what is typed.
        interrupt_at: the text at which Ctrl-C is pressed.
        environment: variables that differ from this process's.

    Returns:
        The exit code, and all that the terminal showed.
    """
    ours, theirs = pty.openpty()
    outside = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR"}}
    child = subprocess.Popen(
        [sys.executable, "-c", _ON_THIS_TERMINAL, *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**outside, "TERM": "xterm", **environment},
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    questions = silences = 0
    interrupted = False
    while True:
        if not select.select([ours], [], [], 1)[0]:
            silences += 1
            if silences == SILENCES:
                child.kill()
            elif interrupted and ASKED in shown.decode(errors="replace")[-40:]:
                # Python heeds a signal that comes just before it reads a line only after that line: press again
                os.write(ours, CTRL_C)
            continue
        silences = 0
        try:
            shown += os.read(ours, 4096)
        except OSError:  # Linux says so when the other side is closed
            break
        text = shown.decode(errors="replace")
        if text.count(ASKED) > questions and (typed := answer(text)):
            questions += 1
            os.write(ours, typed)
        if interrupt_at is not None and not interrupted and interrupt_at in text:
            interrupted = True
            os.write(ours, CTRL_C)
    os.close(ours)
    return child.wait(timeout=60), shown.decode()
