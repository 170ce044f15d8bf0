"""The peers, each used as its own documentation shows: databricks-langchain, openai, langchain-openai."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from databricks.sdk import WorkspaceClient  # type: ignore[import-not-found, import-untyped, unused-ignore] # the peers' environment has it
from databricks_langchain import ChatDatabricks  # type: ignore[import-not-found, import-untyped, unused-ignore] # as above
from langchain_openai import ChatOpenAI  # type: ignore[import-not-found, import-untyped, unused-ignore] # as above
from openai import AsyncOpenAI  # type: ignore[import-not-found, import-untyped, unused-ignore] # as above

from benchmarks.workers import serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_AT_ONCE = 64
_SLICE = 1000
"""Prompts of one `abatch`, as one would loop over a file that is too large to wait for as a whole."""


class Theirs:
    """The clients, made once.

    Args:
        setting: `host`, `endpoint`, `token`, `calls`, `calls_at_once`, `scratch`, and a batch's `prompts` and
            `concurrency`.
    """

    def __init__(self, setting: dict[str, Any]) -> None:
        self._setting = setting
        self._calls: int = setting["calls"]
        self._calls_at_once: int = setting["calls_at_once"]
        host, token, endpoint = setting["host"], setting["token"], setting["endpoint"]
        self._endpoint = endpoint
        self._target = Path(setting["scratch"], "theirs.jsonl")
        self._model = ChatDatabricks(endpoint=endpoint, workspace_client=WorkspaceClient(host=host, token=token))
        self._openai = AsyncOpenAI(base_url=f"{host}/serving-endpoints", api_key=token)
        self._langchain_openai = ChatOpenAI(model=endpoint, base_url=f"{host}/serving-endpoints", api_key=token)

    def cases(self) -> dict[str, Callable[[], int | Awaitable[int]]]:
        """Return what can be asked of them."""
        return {
            "langchain-invoke": self._invoke,
            "langchain-stream": lambda: sum(1 for _ in self._model.stream("hi")),
            "databricks-langchain": lambda: self._gather(lambda: self._model.ainvoke("hi")),
            "openai": lambda: self._gather(self._complete),
            "langchain-openai": lambda: self._gather(lambda: self._langchain_openai.ainvoke("hi")),
            "batch": self._batch,
        }

    def _invoke(self) -> int:
        for _ in range(self._calls):
            self._model.invoke("hi")
        return self._calls

    async def _complete(self) -> object:
        messages: Any = [{"role": "user", "content": "hi"}]
        return await self._openai.chat.completions.create(model=self._endpoint, messages=messages)

    async def _gather(self, call: Callable[[], Awaitable[object]]) -> int:
        times = max(2, self._calls_at_once // _AT_ONCE)
        for _ in range(times):
            await asyncio.gather(*(call() for _ in range(_AT_ONCE)))
        return times * _AT_ONCE

    async def _batch(self) -> int:
        prompts: int = self._setting["prompts"]
        config = {"max_concurrency": self._setting["concurrency"]}
        lines = []
        for start in range(0, prompts, _SLICE):
            asked = [f"prompt {number}" for number in range(start, min(start + _SLICE, prompts))]
            answers = await self._model.abatch(asked, config=config)
            lines += [json.dumps({"content": answer.content}) + "\n" for answer in answers]
        self._target.write_text("".join(lines), "utf-8")
        return prompts


if __name__ == "__main__":
    serve(Theirs(json.loads(sys.argv[1])).cases())
