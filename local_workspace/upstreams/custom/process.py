"""One served model in a process of its own, as the workspace sees it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from local_workspace.upstreams.custom import environment
from local_workspace.upstreams.errors import without_secrets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from local_workspace.upstreams.custom.logs import Log

_WORKER = "local_workspace.upstreams.custom.worker"
_LARGEST_LINE = 64 * 1024 * 1024
_LOAD_SECONDS = 1200.0
_MOST_WAITING = 10_000
"""Chunks of a stream that nobody reads as fast as it is written."""


class ModelLoadError(Exception):
    """A model could not be loaded; says why in the model's own words, without a secret's value."""


class ModelGoneError(Exception):
    """A model's process ended, or was ended, before it had answered."""


@dataclass(frozen=True)
class Launch:
    """What is to be loaded, and how.

    Attributes:
        uri: `models:/NAME/VERSION`.
        registry: the MLflow registry's URI.
        variables: the entity's `environment_vars`, resolved.
        secrets: those of their values that must not be repeated.
        memory_bytes: what the process may take.
    """

    uri: str
    registry: str
    variables: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    memory_bytes: int


class ModelProcess:
    """A model that is loaded and answers. Made by `start`."""

    def __init__(self, launch: Launch, log: Log) -> None:
        self._launch = launch
        self._home = Path(tempfile.mkdtemp(prefix="gatewright-model-"))
        self._numbers = itertools.count()
        self._answers: dict[int, asyncio.Queue[Mapping[str, Any] | None]] = {}
        self._is_gone = False
        self._writer: asyncio.StreamWriter | None = None
        self._socket, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = self._spawned(theirs)
        except BaseException:
            self._socket.close()
            shutil.rmtree(self._home, ignore_errors=True)
            raise
        log.follow(self._process, secrets=launch.secrets)

    @classmethod
    async def start(cls, launch: Launch, *, log: Log) -> tuple[Self, str | None]:
        """Start a process and return it with its model's task when that is loaded.

        Args:
            launch: what to load.
            log: takes what the process prints.

        Raises:
            ModelLoadError: it could not be loaded.
        """
        try:
            process = cls(launch, log)
        except OSError as error:
            raise ModelLoadError(f"its process could not be started: {error.strerror}") from error
        except ValueError as error:  # what no environment can hold: a NUL, a name with "="
            raise ModelLoadError(f"its process could not be started with its environment_vars: {error}") from error
        try:
            async with asyncio.timeout(_LOAD_SECONDS):
                return process, await process._load()
        except TimeoutError:
            process.kill()
            raise ModelLoadError(f"it was not loaded within {_LOAD_SECONDS:.0f} seconds") from None
        except BaseException:
            process.kill()
            raise

    @property
    def is_gone(self) -> bool:
        """Whether it has ended."""
        return self._is_gone

    @property
    def is_busy(self) -> bool:
        """Whether it is answering."""
        return bool(self._answers)

    async def ask(self, body: Mapping[str, Any], *, stream: bool) -> AsyncIterator[Mapping[str, Any]]:
        """Yield what answers a call: one frame with `status` and `body`, or frames with a `chunk`.

        Args:
            body: the call's JSON body.
            stream: whether chunks are asked for.

        Raises:
            ModelGoneError: the process ended meanwhile.
        """
        call = next(self._numbers)
        frames = self._answers[call] = asyncio.Queue()
        is_complete = False
        try:
            self._send({"call": call, "body": json.dumps(body), "stream": stream})
            while not is_complete:
                frame = await frames.get()
                if frame is None:
                    raise ModelGoneError
                is_complete = "chunk" not in frame
                if "end" not in frame:
                    yield self._cleaned(frame)
        finally:
            self._answers.pop(call, None)
            if not is_complete:
                self._send({"cancel": call})

    def kill(self) -> None:
        """End the process and whatever it started."""
        if self._is_gone:
            return
        self._is_gone = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._writer is None:
            self._socket.close()
        else:
            self._writer.close()
        shutil.rmtree(self._home, ignore_errors=True)
        for frames in self._answers.values():
            frames.put_nowait(None)

    async def _load(self) -> str | None:
        reader, self._writer = await asyncio.open_unix_connection(sock=self._socket, limit=_LARGEST_LINE)
        self._send({"uri": self._launch.uri, "memory_bytes": self._launch.memory_bytes})
        line = await reader.readline()
        if not line:
            raise ModelLoadError("its process ended while it was loaded; its logs may say why")
        said = json.loads(line)
        if "failed" in said:
            raise ModelLoadError(without_secrets(said["failed"], self._launch.secrets))
        self._reading = asyncio.create_task(self._read(reader))
        task: str | None = said["loaded"]["task"]
        return task

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Hand each frame to whoever waits for it, until the process ends or says more than a line may hold."""
        with contextlib.suppress(OSError, ValueError):
            async for line in reader:
                frame = json.loads(line)
                frames = self._answers.get(frame["call"])
                if frames is None:
                    continue
                if frames.qsize() > _MOST_WAITING:
                    self._answers.pop(frame["call"])
                    self._send({"cancel": frame["call"]})
                    frame = None
                frames.put_nowait(frame)
        self.kill()

    def _cleaned(self, frame: Mapping[str, Any]) -> Mapping[str, Any]:
        # What the model answers is its own business; a trace or a message of an error is ours.
        if frame.get("status", 200) == 200:  # noqa: PLR2004 - HTTP's
            return frame
        return {**frame, "body": without_secrets(frame["body"], self._launch.secrets)}

    def _send(self, said: Mapping[str, Any]) -> None:
        if self._writer is not None and not self._is_gone:
            self._writer.write(json.dumps(said, separators=(",", ":")).encode() + b"\n")

    def _spawned(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - this interpreter, our own module
            [sys.executable, "-P", "-m", _WORKER, str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._home,
            env=environment.of_worker(
                home=self._home, registry=self._launch.registry, variables=self._launch.variables
            ),
            start_new_session=True,
        )
