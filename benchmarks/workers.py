"""Cases in a process of their own, which may run another environment's interpreter. Standard library alone.

The child says when it is ready, then runs one for each line that names it, and answers with the seconds and the
units of work. It times itself: what the pipe costs is in no sample.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

ROOT = Path(__file__).resolve().parents[1]
_LONGEST = 300
"""Seconds that a turn may take before the worker is given up."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Turn:
    """What one turn took.

    Attributes:
        seconds: in all.
        units: how much was done: calls, chunks, prompts.
    """

    seconds: float
    units: int


class WorkerError(Exception):
    """A worker ended, or could not be started; its stderr says why."""


class Worker:
    """The parent's end.

    Args:
        python: the interpreter.
        module: below `benchmarks`, which calls `serve`.
        setting: handed to it, as JSON.
    """

    def __init__(self, python: Path, module: str, setting: Mapping[str, object]) -> None:
        self._module = module
        self._child = subprocess.Popen(
            [str(python), "-W", "ignore", "-m", f"benchmarks.{module}", json.dumps(setting)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "MLFLOW_ENABLE_TRACING": "false"},
        )
        try:
            self._answer()
        except BaseException:
            self.close()
            raise

    def run(self, case: str) -> Turn:
        """Let it do a case once.

        Raises:
            WorkerError: it ended instead.
        """
        if self._child.stdin is None:
            raise AssertionError("its stdin is a pipe")
        self._child.stdin.write(f"{case}\n")
        self._child.stdin.flush()
        return Turn(**self._answer())

    def per_unit(self, case: str, *, scale: float = 1e6) -> float:
        """Let it do a case once; return the microseconds a unit, or whatever the scale makes of seconds."""
        turn = self.run(case)
        return turn.seconds / turn.units * scale

    def close(self) -> None:
        """Let it end."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self) -> dict[str, Any]:
        late = threading.Timer(_LONGEST, self._child.kill)
        late.start()
        line = self._child.stdout.readline() if self._child.stdout is not None else ""
        late.cancel()
        if not line:
            raise WorkerError(f"the worker {self._module} ended, or took longer than {_LONGEST} s")
        answer: dict[str, Any] = json.loads(line)
        return answer


def serve(
    cases: Mapping[str, Callable[[], int | Awaitable[int]]], *, close: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Be the child: run cases until the parent goes away.

    Args:
        cases: by name; each returns how many units it did, or a coroutine that does, all run in one event loop.
        close: called at the end, in that event loop.
    """
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    with asyncio.Runner() as loop:

        def tell(answer: Mapping[str, object]) -> None:
            out.write(json.dumps(answer) + "\n")
            out.flush()

        tell({"ready": True})
        for line in sys.stdin:
            case = cases[line.strip()]
            started = time.perf_counter()
            units = case()
            if inspect.isawaitable(units):
                units = loop.run(_awaited(units))
            tell({"seconds": time.perf_counter() - started, "units": units})
        if close is not None:
            loop.run(_awaited(close()))


async def _awaited(work: Awaitable[Result]) -> Result:
    return await work
