"""How many calls run at a time, learnt from what the endpoint refuses."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from chat import AsyncChatClient
from chat.wire import Response
from tests.chat.faces import OK, TOKEN, Clock

if TYPE_CHECKING:
    from chat.messages import Answer
    from chat.wire import Request


class Crowded:
    """A transport to an endpoint that takes three calls at a time and refuses a fourth."""

    def __init__(self) -> None:
        self.running = self.refused = 0

    async def send(self, _: Request) -> tuple[Response, None]:
        if self.running >= 3:
            self.refused += 1
            return Response(429, {}, b"{}"), None
        self.running += 1
        for _ in range(20):
            await asyncio.sleep(0)
        self.running -= 1
        return Response(200, {"content-type": "application/json"}, json.dumps(OK).encode()), None

    async def close(self) -> None:
        pass


class LoopClock(Clock):
    """Time that passes with the event loop's turns: whoever sleeps lets others run."""

    async def asleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += 0.0001
            await asyncio.sleep(0)


def test_calls_at_a_time_become_as_many_as_the_endpoint_takes() -> None:
    clock, crowd = LoopClock(), Crowded()
    client = AsyncChatClient(
        "e", host="http://h", token=TOKEN, transport=crowd, clock=clock, sleep=clock.asleep, retry_for=1e9
    )

    async def run() -> list[Answer]:
        return await asyncio.gather(*(client.ainvoke("hi") for _ in range(120)))

    assert len(asyncio.run(run())) == 120
    assert 1 <= crowd.refused < 60  # each call once and more, were nothing learnt
