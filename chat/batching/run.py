"""The workers of a batch."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chat.aio import AsyncChatClient
from chat.batching.output import Output
from chat.batching.rows import Row, answered, failed, read_rows
from chat.errors import (
    AuthError,
    ChatError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    ReadinessError,
    UnauthenticatedError,
    UnreachableError,
    UntrustedHostError,
)
from chat.messages import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chat.flow import Endpoints

# What fails one row like this fails them all: the batch stops, and its rows stay unwritten for a resumption.
_COMMON = (
    AuthError,
    UnauthenticatedError,
    PermissionDeniedError,
    NotFoundError,
    ReadinessError,
    UnreachableError,
    UntrustedHostError,
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch has come.

    Attributes:
        rows: how many it has.
        done: how many are finished, earlier runs included.
        failed: how many of them failed in this run.
        usage: the tokens of this run.
    """

    rows: int
    done: int
    failed: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class Summary:
    """What a batch did.

    Attributes:
        rows: how many rows the input has.
        answered: how many were answered in this run.
        failed: how many failed in this run; the output says why.
        kept: how many an earlier run had answered.
        usage: the tokens of this run.
        seconds: how long it took.
    """

    rows: int
    answered: int
    failed: int
    kept: int
    usage: Usage
    seconds: float


def batch(
    endpoint: Endpoints,
    source: str | Path,
    target: str | Path,
    *,
    concurrency: int = 16,
    resume: bool = False,
    client: AsyncChatClient | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **params: object,
) -> Summary:
    """Answer every row of a file; see `abatch`.

    Raises:
        InvalidRequestError: as `abatch`; or an event loop is running (a notebook's), in which nobody may block.
    """
    if _in_event_loop():
        raise InvalidRequestError("An event loop is running.", remedy="Write `await chat.abatch(…)` instead.")
    return asyncio.run(
        abatch(
            endpoint,
            source,
            target,
            concurrency=concurrency,
            resume=resume,
            client=client,
            on_progress=on_progress,
            **params,
        )
    )


async def abatch(
    endpoint: Endpoints,
    source: str | Path,
    target: str | Path,
    *,
    concurrency: int = 16,
    resume: bool = False,
    client: AsyncChatClient | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **params: object,
) -> Summary:
    """Answer every row of a file.

    Each finished row is written at once, in the order in which they finish. A batch that was stopped goes on with
    `resume=True`: what was answered is kept, what failed or was never finished is asked, so that in the end every row
    stands in the output exactly once.

    Args:
        endpoint: the serving endpoint, or several in the order of preference.
        source: the rows, one a line: OpenAI batch requests, objects with `prompt` or `messages`, or plain text.
        target: the file for the answers, in OpenAI's batch output format.
        concurrency: how many calls at a time, at most.
        resume: whether to go on with a target that exists.
        client: what calls, for a client of your own; it is not closed. Its own patience holds then.
        on_progress: called after each row.
        **params: fields of every request; a row's own take precedence.

    Raises:
        InvalidRequestError: the input holds lines that are no rows, or the target exists; nothing was sent.
        ChatError: what no row could succeed with (no such endpoint, no access); rows written until then stand.
    """
    rows = read_rows(Path(source))
    with Output(Path(target), resume=resume) as output:
        calling = client or AsyncChatClient(endpoint, retry_for=600.0)
        try:
            work = _Work(rows, output, params, on_progress)
            await work.run(calling, endpoint, max(1, concurrency))
        finally:
            if client is None:
                await calling.close()
    return work.summary()


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class _Work:
    def __init__(
        self,
        rows: list[Row],
        output: Output,
        params: dict[str, object],
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._rows = len(rows)
        self._left = [row for row in rows if row.key not in output.done]
        self._kept = self._rows - len(self._left)
        self._output = output
        self._params = {name: value for name, value in params.items() if value is not None}
        self._on_progress = on_progress
        self._answered = self._failed = 0
        self._usage = Usage()
        self._began = time.monotonic()

    async def run(self, client: AsyncChatClient, endpoint: Endpoints, workers: int) -> None:
        rows = iter(self._left)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(workers, len(self._left))):
                    group.create_task(self._worker(client, endpoint, rows))
        except ExceptionGroup as failures:
            # Not `except*`: some releases of Python 3.11 wrap what is raised there into a group once more.
            first = next((each for each in failures.exceptions if isinstance(each, ChatError)), None)
            if first is None:
                raise
            raise first from None

    def summary(self) -> Summary:
        seconds = time.monotonic() - self._began
        return Summary(self._rows, self._answered, self._failed, self._kept, self._usage, seconds)

    async def _worker(self, client: AsyncChatClient, endpoint: Endpoints, rows: Iterator[Row]) -> None:
        for row in rows:
            # As a body, not as keywords: a file's field called `token` or `headers` is no option of the call.
            fields = {**self._params, **row.params}
            try:
                answer = await client.ainvoke(row.messages, endpoint=endpoint, extra_body=fields)
            except _COMMON:
                raise
            except ChatError as error:
                self._failed += 1
                self._output.add(failed(row, error))
            else:
                self._answered += 1
                self._usage += answer.usage or Usage()
                self._output.add(answered(row, answer))
            if self._on_progress is not None:
                done = self._kept + self._answered + self._failed
                self._on_progress(Progress(self._rows, done, self._failed, self._usage))
