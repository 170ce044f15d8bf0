"""Either client, called the same way, and a clock on which nobody waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from chat import AsyncChatClient, ChatClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chat.messages import Answer, Chunk
    from tests.chat.scripted import ScriptedServer

TOKEN = "dapi-stand-in-token"
OK = {
    "id": "1",
    "model": "gpt-x",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


def delta(content: object = None, *, finish: str | None = None, **more: object) -> dict[str, object]:
    piece = {} if content is None else {"content": content}
    return {"id": "1", "model": "gpt-x", "choices": [{"index": 0, "delta": piece | more, "finish_reason": finish}]}


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)


class Face:
    """Either client, called the same way."""

    def __init__(self, kind: str, server: ScriptedServer) -> None:
        self.kind = kind
        self.server = server
        self.clock = Clock()
        self.chunks: list[Chunk] = []

    def client(self, endpoint: object = "my-chat", **options: object) -> Any:  # noqa: ANN401 - either client
        options = {"host": self.server.host, "token": TOKEN, "clock": self.clock} | options
        if self.kind == "sync":
            return ChatClient(endpoint, sleep=self.clock.sleep, **options)
        return AsyncChatClient(endpoint, sleep=self.clock.asleep, **options)

    def ask(self, client: object) -> Answer:
        """One call of a client that stays open."""
        answer: Answer = client.invoke("hi") if self.kind == "sync" else asyncio.run(client.ainvoke("hi"))
        return answer

    def asked_around(self, event: Callable[[], object], **options: object) -> list[Answer]:
        """One call before an event and one after it, over the connections of one client."""
        client = self.client(max_retries=0, **options)
        if self.kind == "sync":
            with client:
                first = client.invoke("hi")
                event()
                return [first, client.invoke("hi")]

        async def run() -> list[Answer]:
            async with client:
                first = await client.ainvoke("hi")
                event()
                await asyncio.sleep(0.01)  # the event loop hears of what a server does only while it runs
                return [first, await client.ainvoke("hi")]

        return asyncio.run(run())

    def invoke(self, *calls: dict[str, Any], endpoint: object = "my-chat", **options: object) -> Answer:
        client = self.client(endpoint, **options)
        if self.kind == "sync":
            with client:
                return [client.invoke("hi", **call) for call in calls or ({},)][-1]

        async def run() -> Answer:
            async with client:
                return [await client.ainvoke("hi", **call) for call in calls or ({},)][-1]

        return asyncio.run(run())

    def stream(self, *, times: int = 1, params: Mapping[str, object] | None = None, **options: object) -> Answer | None:
        client = self.client(**options)
        if self.kind == "sync":
            with client:
                for _ in range(times):
                    stream = client.stream("hi", **(params or {}))
                    self.chunks = []
                    for chunk in stream:
                        self.chunks.append(chunk)
                return stream.answer

        async def run() -> Answer | None:
            async with client:
                for _ in range(times):
                    stream = client.astream("hi", **(params or {}))
                    self.chunks = []
                    async for chunk in stream:
                        self.chunks.append(chunk)
                return stream.answer

        return asyncio.run(run())
