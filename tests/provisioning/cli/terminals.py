"""A command on a terminal of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

QUESTION = "Carry it out"
CTRL_C = b"\x03"

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
    questions = 0
    while True:
        try:
            shown += os.read(ours, 4096)
        except OSError:  # Linux says so when the other side is closed
            break
        text = shown.decode(errors="replace")
        if text.count(QUESTION) > questions and (typed := answer(text)):
            questions += 1
            os.write(ours, typed)
        if interrupt_at is not None and interrupt_at in text:
            interrupt_at = None
            os.write(ours, CTRL_C)
    os.close(ours)
    return child.wait(timeout=60), shown.decode()
