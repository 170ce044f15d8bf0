"""LangChain alone: a chat model that answers at once, so that all of its calls is langchain-core's."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from benchmarks.endpoint import CHUNKS
from benchmarks.workers import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

_AT_ONCE = 64


class Alone(BaseChatModel):
    """Answers with the same word, again and again."""

    @property
    def _llm_type(self) -> str:
        return "alone"

    def _generate(self, *_args: Any, **_kwargs: Any) -> ChatResult:  # noqa: ANN401 - BaseChatModel's signature
        return ChatResult(generations=[ChatGeneration(message=AIMessage("word"))])

    async def _agenerate(self, *_args: Any, **_kwargs: Any) -> ChatResult:  # noqa: ANN401 - as above
        return self._generate()

    def _stream(self, *_args: Any, **_kwargs: Any) -> Iterator[ChatGenerationChunk]:  # noqa: ANN401 - as above
        for _ in range(CHUNKS):
            yield ChatGenerationChunk(message=AIMessageChunk(content=" word"))


def _main(calls: int, calls_at_once: int) -> None:
    model = Alone()
    times = max(2, calls_at_once // _AT_ONCE)

    def invoke() -> int:
        for _ in range(calls):
            model.invoke("hi")
        return calls

    async def at_once() -> int:
        for _ in range(times):
            await asyncio.gather(*(model.ainvoke("hi") for _ in range(_AT_ONCE)))
        return times * _AT_ONCE

    serve({"invoke": invoke, "stream": lambda: sum(1 for _ in model.stream("hi")), "ainvoke-64": at_once})


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    _main(given["calls"], given["calls_at_once"])
