"""Applies and commands in processes of their own: several at once, or one that SIGKILL ends at a chosen request."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from multiprocessing import forkserver
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter

from proving.cases import Case
from proving.virtual_time import virtual_time
from provisioning import cli
from provisioning.errors import UnfinishedError
from provisioning.model.events import Report

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Barrier
    from pathlib import Path

    import requests

    from proving.worlds import World
    from provisioning.errors import ProvisioningError

When = Literal["before", "after"]

PROCESSES = multiprocessing.get_context("forkserver")
"""Where the SDK is imported once and not for each process (a second each)."""
PROCESSES.set_forkserver_preload(["pytest", "provisioning.runner", "provisioning.workspace.reader"])

DONE, REFUSED = 0, 9
"""How `_carry_out` leaves; 1 is Python's own for what should never happen."""

KILLED = -signal.SIGKILL

LONGEST_SECONDS = 240


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


@dataclass(frozen=True)
class Call:
    """A request of a process, and when: by a clock that all processes share.

    Attributes:
        begun, ended: when it was sent, and when its answer had come.
        method, path: what was asked.
        body: what was sent, as text.
        status: of the answer.
    """

    begun: float
    ended: float
    method: str
    path: str
    body: str
    status: int


@dataclass(frozen=True)
class Ended:
    """How a job ended.

    Attributes:
        code: the process's exit code; None if it hangs.
        said: what went wrong, as a user reads it.
        calls: its requests, in the order of their answers; none of a process that was killed.
    """

    code: int | None
    said: str = ""
    calls: tuple[Call, ...] = ()


def run(*jobs: Job) -> list[Ended]:
    """Carry jobs out, all at once, each in a process of its own."""
    barrier = PROCESSES.Barrier(len(jobs))
    pipes = [PROCESSES.Pipe(duplex=False) for _ in jobs]
    children = [
        PROCESSES.Process(target=_start_together, args=(barrier, job, tell))
        for job, (_, tell) in zip(jobs, pipes, strict=True)
    ]
    for child in children:
        child.start()
    for _, tell in pipes:
        tell.close()
    told = [_hear(hear) for hear, _ in pipes]
    for child in children:
        child.join(LONGEST_SECONDS)
    return [Ended(child.exitcode, *each) for child, each in zip(children, told, strict=True)]


def _hear(pipe: Connection) -> tuple[str, tuple[Call, ...]]:
    with pipe:
        try:
            return pipe.recv() if pipe.poll(LONGEST_SECONDS) else ("", ())
        except EOFError:  # killed
            return "", ()


def _start_together(barrier: Barrier, job: Job, tell: Connection) -> None:
    barrier.wait(LONGEST_SECONDS)
    _carry_out(job, tell)


def _carry_out(job: Job, tell: Connection) -> None:
    """Apply, say what was done, and leave with DONE or REFUSED, unless killed."""
    calls: list[Call] = []
    _watch(calls)
    if job.cut is not None:
        at_write(job.cut, job.when, lambda: os.kill(os.getpid(), signal.SIGKILL))
    error = Case(job.host, job.token, job.folder).apply(job.world)
    tell.send((said_by(error), tuple(calls)))
    raise SystemExit(REFUSED if error else DONE)


def ready_processes() -> None:
    """Start what all processes are forked from, while TMPDIR is still short: the path of its socket may not be long."""
    forkserver.ensure_running()


def kill_command(command: str, out: Path, *, cut: int, when: When) -> int | None:
    """Run a command, with this process's environment and DEBUG logging on, until SIGKILL ends it.

    Args:
        command: its words.
        out: a folder; what was said is added to `stdout` and `stderr` there.
        cut, when: as of a `Job`.

    Returns:
        Its exit code: KILLED if it came to that request; None if it hung.
    """
    child = PROCESSES.Process(target=_run_command, args=(command.split(), dict(os.environ), out, cut, when))
    child.start()
    child.join(LONGEST_SECONDS)
    code = child.exitcode
    child.kill()  # which does nothing to one that has ended
    return code


def _run_command(words: list[str], environ: dict[str, str], out: Path, cut: int, when: When) -> None:
    os.environ.clear()
    os.environ.update(environ)
    for stream in (sys.stdout, sys.stderr):
        with (out / stream.name.strip("<>")).open("ab") as file:
            os.dup2(file.fileno(), stream.fileno())
    logging.basicConfig(level=logging.DEBUG)
    at_write(cut, when, lambda: os.kill(os.getpid(), signal.SIGKILL))
    with virtual_time():
        raise SystemExit(cli.run(words))


def said_by(error: ProvisioningError | None) -> str:
    """Return what went wrong, as the command line shows it."""
    failed = (
        error.report.outcome.failed if isinstance(error, UnfinishedError) and isinstance(error.report, Report) else ()
    )
    return "\n".join([*([str(error)] if error else []), *(f"{each.address}: {each.message}" for each in failed)])


def _watch(calls: list[Call]) -> None:
    """Write down each request of this process's SDK."""
    sends = HTTPAdapter.send

    def send(self: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # noqa: ANN401
        begun, body = time.monotonic(), request.body or ""
        answer = sends(self, request, **options)
        text = body.decode() if isinstance(body, bytes) else body
        path = urlsplit(request.url or "").path
        calls.append(Call(begun, time.monotonic(), request.method or "", path, text, answer.status_code))
        return answer

    HTTPAdapter.send = send  # type: ignore[method-assign,assignment] # as in `at_write`


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
