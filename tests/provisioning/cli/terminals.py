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


def on_terminal(*arguments: object, answer: Callable[[str], bytes | None], **environment: str) -> tuple[int, str]:
    """Run a command on a pseudo-terminal.

    Args:
        arguments: the command line.
        answer: shown all that the terminal has shown so far; returns what is typed, if anything.
        environment: variables that differ from this process's.

    Returns:
        The exit code, and all that the terminal showed.
    """
    ours, theirs = pty.openpty()
    outside = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR"}}
    child = subprocess.Popen(
        [sys.executable, "-m", "provisioning", *map(str, arguments)],
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
    os.close(ours)
    return child.wait(timeout=60), shown.decode()
