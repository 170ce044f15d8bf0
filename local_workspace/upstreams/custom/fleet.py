"""The models that are loaded: one process for each served entity, started when it is needed first."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from local_workspace.upstreams.custom.logs import Log
from local_workspace.upstreams.custom.process import Launch, ModelLoadError, ModelProcess

if TYPE_CHECKING:
    from collections.abc import Callable


class Served(NamedTuple):
    """One served entity of one config of an endpoint.

    Attributes:
        workspace: the workspace's id.
        endpoint: the endpoint's id.
        version: the `config_version`.
        entity: the served entity's name.
    """

    workspace: str
    endpoint: str
    version: int
    entity: str


class Fleet:
    """Model processes, by what they serve."""

    def __init__(self) -> None:
        self._started: dict[Served, asyncio.Task[tuple[ModelProcess, str | None]]] = {}
        self._logs: defaultdict[Served, Log] = defaultdict(Log)

    async def loaded(self, served: Served, launch: Callable[[], Launch]) -> tuple[ModelProcess, str | None]:
        """Return the process that serves an entity, with its model's task; start it if there is none.

        Args:
            served: which.
            launch: says what is to be loaded, if it must be.

        Raises:
            ModelLoadError: it could not be loaded, or was stopped before it was. The next call tries again.
        """
        if not self._answers(served):
            start = ModelProcess.start(launch(), log=self._logs[served])
            self._started[served] = asyncio.create_task(start)
        task = self._started[served]
        try:
            return await asyncio.shield(task)  # who waits may go away; the others go on waiting for the same process
        except asyncio.CancelledError:
            waiter = asyncio.current_task()
            if task.cancelled() and waiter is not None and not waiter.cancelling():
                raise ModelLoadError("it was replaced or deleted meanwhile") from None
            raise

    def running(self) -> dict[Served, bool]:
        """Return what is loaded or being loaded, and whether it is answering."""
        return {served: task.done() and self._is_busy(task) for served, task in self._started.items()}

    def log(self, served: Served) -> str:
        """Return what the processes of an entity printed."""
        return self._logs[served].text() if served in self._logs else ""

    def stop(self, served: Served) -> None:
        """End the process that serves an entity, if there is one; its logs stay."""
        task = self._started.pop(served, None)
        if task is None:
            return
        if not task.done():
            task.cancel()
        elif not task.cancelled() and task.exception() is None:
            task.result()[0].kill()

    async def aclose(self) -> None:
        """End all."""
        tasks = list(self._started.values())
        for served in list(self._started):
            self.stop(served)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _answers(self, served: Served) -> bool:
        task = self._started.get(served)
        if task is None:
            return False
        if not task.done():
            return True
        return not task.cancelled() and task.exception() is None and not task.result()[0].is_gone

    @staticmethod
    def _is_busy(task: asyncio.Task[tuple[ModelProcess, str | None]]) -> bool:
        return not task.cancelled() and task.exception() is None and task.result()[0].is_busy
