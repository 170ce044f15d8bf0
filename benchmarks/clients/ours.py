"""`chat`: its three faces, and its batches. LangChain is loaded by who runs its cases, as it is for users."""

from __future__ import annotations

import asyncio
import json
import sys
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.workers import serve
from chat import AsyncChatClient, ChatClient, abatch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chat import ChatDatabricks


class Ours:
    """The clients, made once; all keep their connections.

    Args:
        setting: `host`, `endpoint`, `token`, `calls`, `calls_at_once`, `scratch`, and a batch's `prompts` and
            `concurrency`.
    """

    def __init__(self, setting: dict[str, Any]) -> None:
        self._setting = setting
        self._calls: int = setting["calls"]
        self._calls_at_once: int = setting["calls_at_once"]
        where = {"host": setting["host"], "token": setting["token"]}
        self._client = ChatClient(setting["endpoint"], **where)
        self._aclient = AsyncChatClient(setting["endpoint"], **where)
        self._where = where

    def cases(self) -> dict[str, Callable[[], int | Awaitable[int]]]:
        """Return what can be asked of them."""
        return {
            "invoke": lambda: self._many(lambda: self._client.invoke("hi")),
            "stream": lambda: sum(1 for _ in self._client.stream("hi")),
            "langchain-invoke": lambda: self._many(lambda: self._model.invoke("hi")),
            "langchain-stream": lambda: sum(1 for _ in self._model.stream("hi")),
            "langchain-ainvoke-64": lambda: self._gather(lambda: self._model.ainvoke("hi"), 64),
            "batch": self._batch,
            "five-times-64": self._five_times_64,
            "ten-streams": self._ten_streams,
            **{f"ainvoke-{many}": partial(self._async_client, many) for many in self._setting["concurrent"]},
        }

    async def close(self) -> None:
        """Close their connections."""
        self._client.close()
        await self._aclient.close()
        if "_model" in vars(self):
            await self._model.aclose()

    @cached_property
    def _model(self) -> ChatDatabricks:
        from chat import ChatDatabricks  # noqa: PLC0415 - see the module's docstring

        return ChatDatabricks(endpoint=self._setting["endpoint"], **self._where)

    def _many(self, call: Callable[[], object]) -> int:
        for _ in range(self._calls):
            call()
        return self._calls

    async def _gather(self, call: Callable[[], Awaitable[object]], many: int) -> int:
        times = max(2, self._calls_at_once // many)
        for _ in range(times):
            await asyncio.gather(*(call() for _ in range(many)))
        return times * many

    async def _async_client(self, many: int) -> int:
        return await self._gather(lambda: self._aclient.ainvoke("hi"), many)

    async def _batch(self) -> int:
        prompts: int = self._setting["prompts"]
        folder = Path(self._setting["scratch"])
        source, target = folder / "prompts.jsonl", folder / "ours.jsonl"
        source.write_text("".join(json.dumps({"messages": _prompt(n)}) + "\n" for n in range(prompts)), "utf-8")
        target.unlink(missing_ok=True)
        async with AsyncChatClient(self._setting["endpoint"], **self._where) as client:
            concurrency = self._setting["concurrency"]
            summary = await abatch(self._setting["endpoint"], source, target, concurrency=concurrency, client=client)
        if summary.answered != prompts:
            raise AssertionError(f"{summary.failed} of {prompts} prompts failed")
        return prompts

    async def _five_times_64(self) -> int:
        """Make 5 times 64 calls by a new client, for the server to count its connections."""
        async with AsyncChatClient(self._setting["endpoint"], **self._where) as client:
            for _ in range(5):
                await asyncio.gather(*(client.ainvoke("hi") for _ in range(64)))
        return 5 * 64

    def _ten_streams(self) -> int:
        """Read 10 streams by a new client, likewise."""
        with ChatClient(self._setting["endpoint"], **self._where) as client:
            return sum(1 for _ in range(10) for _ in client.stream("hi"))


def _prompt(number: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"prompt {number}"}]


if __name__ == "__main__":
    ours = Ours(json.loads(sys.argv[1]))
    serve(ours.cases(), close=ours.close)
