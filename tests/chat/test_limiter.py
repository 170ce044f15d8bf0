"""How many calls run at a time, learnt from what the endpoint refuses."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from chat import AsyncChatClient, ChatClient, errors
from chat.limiting import LIMITERS, Limiter, Limiters
from chat.wire import Response
from tests.chat.faces import OK, TOKEN, Clock, delta

if TYPE_CHECKING:
    from collections.abc import Callable

    from chat.limiting import Place
    from chat.messages import Answer
    from chat.wire import Request
    from tests.chat.faces import Face
    from tests.chat.scripted import ScriptedServer


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


def places(limiter: Limiter, count: int) -> tuple[list[Place], list[int]]:
    """So many calls that come one after the other, and who of them was woken."""
    woken: list[int] = []

    def waker(number: int) -> Callable[[], bool]:
        return lambda: woken.append(number) is None

    return [limiter.enter(waker(number)) for number in range(count)], woken


def test_without_a_refusal_nobody_waits() -> None:
    come, woken = places(Limiter(), 500)
    assert all(place.taken for place in come)
    assert woken == []


def test_who_came_first_is_woken_first() -> None:
    limiter = Limiter()
    limiter.limit = 2
    come, woken = places(limiter, 6)
    assert [place.taken for place in come] == [True, True, False, False, False, False]
    come[1].leave()
    come[0].leave()
    assert woken == [2, 3]
    come[4].leave()  # gives up its turn
    come[2].leave()
    assert woken == [2, 3, 5]


def test_calls_refused_together_narrow_once() -> None:
    limiter = Limiter()
    come, _ = places(limiter, 10)
    for place in come:
        place.refused(began=0.0, now=1.0)
    assert limiter.limit == pytest.approx(7)
    come[0].refused(began=2.0, now=3.0)
    assert limiter.limit < 7


def test_a_place_is_not_given_to_an_event_loop_that_is_gone() -> None:
    limiter = Limiter()
    limiter.limit = 1
    first = limiter.enter(lambda: True)
    limiter.enter(lambda: False)
    last = limiter.enter(lambda: True)
    first.leave()
    assert last.taken


def test_an_answer_makes_room_by_and_by() -> None:
    limiter = Limiter()
    limiter.limit = 1
    come, woken = places(limiter, 3)
    come[0].answered()
    assert woken == [1]


def test_clients_that_call_as_the_same_share_what_they_learn() -> None:
    clock = Clock()
    limiters = Limiters()
    one = limiters.of(clock, "http://h", "e", "token-a")
    assert limiters.of(clock, "http://h", "e", "token-a") is one
    others = [(clock, "http://h", "e", "token-b"), (clock, "http://h", "f", "token-a"), (Clock(), "http://h", "e", "t")]
    assert all(limiters.of(*other) is not one for other in others)
    assert "token-a" not in repr(vars(limiters))


class Narrow:
    """A transport that counts how many calls run at once; made for a limiter that admits two."""

    def __init__(self) -> None:
        self.running = self.most = 0

    async def send(self, _: Request) -> tuple[Response, None]:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.002)
        self.running -= 1
        return Response(200, {"content-type": "application/json"}, json.dumps(OK).encode()), None

    async def close(self) -> None:
        pass


def test_a_cancelled_call_gives_up_its_place_or_its_turn() -> None:
    clock, transport = Clock(), Narrow()
    client = AsyncChatClient("e", host="http://h", token=TOKEN, transport=transport, clock=clock, sleep=clock.asleep)
    limiter = LIMITERS.of(clock, "http://h", "e", TOKEN)
    limiter.limit = 2

    async def run() -> None:
        calls = [asyncio.create_task(client.ainvoke("hi")) for _ in range(40)]
        await asyncio.sleep(0.005)
        for call in calls[::2]:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert [call.exception() for call in calls[1::2]] == [None] * 20

    asyncio.run(run())
    assert (limiter.running, list(limiter.waiting), clock.pauses) == (set(), [], [])
    assert transport.most <= 10


def test_threads_and_two_event_loops_take_turns_at_one_limiter(scripted: ScriptedServer) -> None:
    scripted.reply(OK)
    clock = Clock()
    options: dict[str, Any] = {"host": scripted.host, "token": TOKEN, "clock": clock}
    limiter = LIMITERS.of(clock, scripted.host, "e", TOKEN)
    limiter.limit = 1
    shared, asynchronous = ChatClient("e", **options), AsyncChatClient("e", **options)

    async def several() -> list[Answer]:
        return await asyncio.gather(*(asynchronous.ainvoke("hi") for _ in range(20)))

    with shared, ThreadPoolExecutor(10) as pool:
        calls = [pool.submit(shared.invoke, "hi") for _ in range(40)]
        loops = [pool.submit(asyncio.run, several()) for _ in range(2)]
        assert all(call.result(30) for call in calls + loops)
    assert (limiter.running, list(limiter.waiting)) == (set(), [])


def test_a_call_for_which_no_room_is_made_is_an_error(face: Face) -> None:
    limiter = LIMITERS.of(face.clock, face.server.host, "my-chat", TOKEN)
    limiter.limit = 1
    held = limiter.enter(lambda: True)
    with pytest.raises(errors.CallTimeoutError, match="1 calls at a time"):
        face.invoke(timeout=0.05)
    assert list(limiter.waiting) == []
    held.leave()
    face.server.reply(OK)
    assert face.invoke(timeout=5.0).text == "hello"


FORKING = """
import os, sys, threading, time
from chat import ChatClient
from chat.limiting import LIMITERS

host, token = sys.argv[1:]
client = ChatClient("my-chat", host=host, token=token)
limiter = LIMITERS.of(time.monotonic, host, "my-chat", token)
limiter.limit = 1
begun = client.stream("hi")
next(begun)
queued = threading.Thread(target=client.invoke, args=("hi",), daemon=True)
queued.start()
while not limiter.waiting:
    time.sleep(0.001)
held, leave = threading.Event(), threading.Event()

def hold():
    with limiter._lock:
        held.set()
        leave.wait()

threading.Thread(target=hold).start()  # as any call may do at that moment
held.wait()
child = os.fork()
leave.set()
if child == 0:
    begun.close()  # the parent's: it has no place here
    print(client.invoke("hi"), limiter.limit, len(limiter.running), flush=True)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(len(limiter.running), len(limiter.waiting))
begun.close()
queued.join(20)
print(len(limiter.running), queued.is_alive())
"""


def test_a_forked_child_is_not_held_up_by_its_parents_calls(scripted: ScriptedServer) -> None:
    scripted.stream(delta("one"), ..., delta(finish="stop")).reply(OK)
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", FORKING, scripted.host, TOKEN],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    finally:
        scripted.hold.set()
    # A child's answer widens its own limit, not its parent's.
    assert (done.stdout.splitlines(), done.stderr) == (["hello 2.0 0", "1 1", "0 False"], "")
