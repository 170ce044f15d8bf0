"""Whole processes: how long one takes, and the most memory that it holds, by the system's own account."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.workers import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_BYTES_OF_MAXRSS = 1024
"""Linux counts kibibytes."""


@dataclass(frozen=True)
class Finished:
    """A process that ended well.

    Attributes:
        seconds: from its start to its end.
        megabytes: the most that it held at a time.
        output: what it printed.
    """

    seconds: float
    megabytes: float
    output: str


def users_environment() -> dict[str, str]:
    """Return this process's environment with bytecode kept, as it is for users."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run(command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> Finished:
    """Run a program to its end, bytecode kept as it is for users.

    Args:
        command: the program and its arguments.
        environment: what it finds there beside this process's own.

    Raises:
        RuntimeError: it failed; says what it printed.
    """
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        child = subprocess.Popen(
            [*map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**users_environment(), "PYTHONWARNINGS": "ignore", **(environment or {})},
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        output = out.read().decode(errors="replace")
    if child.returncode:
        raise RuntimeError(f"exit {child.returncode} of {' '.join(map(str, command))}:\n{output[-4000:]}")
    return Finished(seconds, usage.ru_maxrss * _BYTES_OF_MAXRSS / 1e6, output)
