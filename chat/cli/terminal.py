"""What is shown, and how: answers on stdout, everything else on stderr, nothing that could drive the terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from chat.errors import ChatError, inert

if TYPE_CHECKING:
    from chat.messages import Answer
    from provisioning.readiness import Readiness


def show(text: str) -> None:
    """Write a piece of an answer to stdout at once; escapes are made inert where they would reach a terminal."""
    try:
        sys.stdout.write(_writable(inert(text) if sys.stdout.isatty() else text))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the answer has seen enough (`| head`). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(0) from None


def _writable(text: str) -> str:
    """Replace what stdout has no bytes for: redirected on Windows, it is written in the system's code page."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def show_calls(answer: Answer) -> None:
    """Write the tool calls that an answer asks for, one a line."""
    for call in answer.tool_calls:
        show(f"{call.name}({call.arguments})\n")


def note(text: str) -> None:
    """Write a remark to stderr."""
    sys.stderr.write(f"{inert(text)}\n")
    sys.stderr.flush()


def complain(error: ChatError) -> None:
    """Write an error and what to do next to stderr."""
    request = f" (request id {error.request_id})" if error.request_id else ""
    note(f"error: {error.message}{request}")
    if error.remedy:
        note(f"  next: {error.remedy}")


def tell_pause(reason: str, seconds: float) -> None:
    """Say why an attempt has to wait, if it takes long enough to be noticed."""
    if seconds >= 1:
        note(f"{reason.rstrip('.')}; next attempt in {seconds:.0f} s")


class Progress:
    """Says on stderr what a wait is for, when it changes.

    Args:
        endpoint: what is waited for.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._said = ""

    def __call__(self, seen: Readiness, seconds: float) -> None:
        """Take in what a poll saw, and the seconds gone by."""
        reason = getattr(seen, "reason", "ready")
        if reason != self._said:
            self._said = reason
            note(f"waiting for {self._endpoint}, {seconds:.0f} s: {reason}" if reason != "ready" else "ready")
