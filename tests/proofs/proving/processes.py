"""Applies in processes of their own: several at once, or one that SIGKILL ends at a chosen request."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from requests.adapters import HTTPAdapter

from proving.cases import Case

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.synchronize import Barrier
    from pathlib import Path

    import requests

    from proving.worlds import World

When = Literal["before", "after"]

PROCESSES = multiprocessing.get_context("forkserver")
"""Where the SDK is imported once and not for each process (a second each)."""
PROCESSES.set_forkserver_preload(["pytest", "provisioning.runner", "provisioning.workspace.reader"])

DONE, REFUSED = 0, 9
"""How `_carry_out` leaves; 1 is Python's own for what should never happen."""

LONGEST_SECONDS = 120


@dataclass(frozen=True)
class Job:
    """An apply to carry out.

    Attributes:
        host, token, folder: as `Case` takes them.
        world: what is applied.
        cut: the number of the writing request at which the process is killed, from 0; None: it is not.
        when: whether that is before the request is sent or after its answer has come.
    """

    host: str
    token: str
    folder: Path
    world: World
    cut: int | None = None
    when: When = "before"


def run(*jobs: Job) -> list[int | None]:
    """Carry jobs out, all at once, each in a process of its own; the processes' exit codes, None for one that hangs."""
    barrier = PROCESSES.Barrier(len(jobs))
    children = [PROCESSES.Process(target=_start_together, args=(barrier, job)) for job in jobs]
    for child in children:
        child.start()
    for child in children:
        child.join(LONGEST_SECONDS)
    return [child.exitcode for child in children]


def _start_together(barrier: Barrier, job: Job) -> None:
    barrier.wait(LONGEST_SECONDS)
    _carry_out(job)


def _carry_out(job: Job) -> None:
    """Apply, and leave with DONE or REFUSED, unless killed."""
    if job.cut is not None:
        at_write(job.cut, job.when, lambda: os.kill(os.getpid(), signal.SIGKILL))
    error = Case(job.host, job.token, job.folder).apply(job.world)
    raise SystemExit(REFUSED if error else DONE)


def at_write(number: int, when: When, act: Callable[[], None]) -> Callable[[], None]:
    """Let something happen at the n-th request of this process's SDK that writes; the answer undoes that.

    Args:
        number: counted from 0.
        when: before it is sent, or after the first of its answer has come.
        act: what happens.
    """
    sends = HTTPAdapter.send
    lock, seen = threading.Lock(), -1

    def send(self: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # noqa: ANN401
        nonlocal seen
        if request.method == "GET":
            return sends(self, request, **options)
        with lock:
            seen += 1
            its_turn = seen == number
        if its_turn and when == "before":
            act()
        answer = sends(self, request, **options)
        if its_turn and when == "after":
            act()
        return answer

    HTTPAdapter.send = send  # type: ignore[method-assign,assignment] # there is no seam below the SDK but this

    def undo() -> None:
        HTTPAdapter.send = sends  # type: ignore[method-assign]

    return undo
