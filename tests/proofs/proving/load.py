"""A load on a server: streams that are kept open, calls as fast as they are answered, and a model behind them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

_DONE = b"data: [DONE]\n\n"


@asynccontextmanager
async def model(pause: float) -> AsyncIterator[str]:
    """Serve a model that counts as far as its prompt says, and yield its base URL.

    Args:
        pause: seconds between two events of a stream.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        if not asked.get("stream"):
            message = {"role": "assistant", "content": asked["messages"][0]["content"]}
            return web.json_response({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        for number in range(int(asked["messages"][0]["content"])):
            await stream.write(_event({"content": f"{number} "}))
            await asyncio.sleep(pause)
        await stream.write(_event({}, finish="stop") + _DONE)
        return stream

    app = web.Application()
    app.router.add_post("/chat/completions", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2048)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def _event(delta: dict[str, str], *, finish: str | None = None) -> bytes:
    told = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(told).encode() + b"\n\n"


@dataclass
class Load:
    """Clients of one server.

    Attributes:
        session: what they call with.
        dice: how long streams are.
        streams: how many were heard to their end.
        events: how many they had.
        calls: how many calls were answered, by their paths.
        open_streams: how many are open.
        most_open: how many were open at once.
    """

    session: aiohttp.ClientSession
    dice: random.Random
    streams: int = 0
    events: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    open_streams: int = field(default=0, repr=False)
    most_open: int = 0

    async def run(
        self, stream: str, *, streams: int, calls: Sequence[tuple[str, dict[str, Any] | None]], seconds: float
    ) -> None:
        """Keep streams open, and make each call again and again; raise for whatever goes wrong.

        Args:
            stream: the path that streams.
            streams: how many at once.
            calls: path and body of each call, a GET where there is none; one client each.
            seconds: how long new ones begin.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as group:
            for _ in range(streams):
                group.create_task(_again(partial(self._listen, stream), deadline))
            for path, body in calls:
                group.create_task(_again(partial(self._call, path, body), deadline))

    async def _call(self, path: str, body: dict[str, Any] | None) -> None:
        async with self.session.request("GET" if body is None else "POST", path, json=body) as answer:
            said = await answer.read()
        assert answer.status == 200, (path, answer.status, said[:300])
        self.calls[path] += 1

    async def _listen(self, path: str) -> None:
        length = self.dice.randrange(5, 15)
        asked = {"messages": [{"role": "user", "content": str(length)}], "stream": True}
        async with self.session.post(path, json=asked) as answer:
            assert answer.status == 200, (answer.status, await answer.read())
            self.open_streams += 1
            self.most_open = max(self.most_open, self.open_streams)
            said = await answer.read()
            self.open_streams -= 1
        assert said.endswith(_DONE), said[-300:]
        told = [json.loads(line[6:])["choices"][0]["delta"] for line in said.split(b"\n\n")[:-2]]
        assert [each.get("content") for each in told] == [*(f"{number} " for number in range(length)), None]
        self.streams += 1
        self.events += length


async def _again(once: Callable[[], Awaitable[None]], deadline: float) -> None:
    while asyncio.get_running_loop().time() < deadline:
        await once()
