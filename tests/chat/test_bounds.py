"""How long a server may say nothing, and how much it may say at once, by either client."""

from __future__ import annotations

import gzip
import json
import time
from typing import TYPE_CHECKING

import pytest
from proving.servers import serving

from chat import ChatClient, errors
from chat.wire import Response
from tests.chat.faces import OK, TOKEN, Clock, delta
from tests.chat.scripted import sse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chat.wire import Request
    from tests.chat.faces import Face
    from tests.chat.scripted import ScriptedServer

SIGNS_OF_LIFE = {
    "comments": b": keep-alive\n\n",
    "pings": b'event: ping\ndata: {"type": "ping"}\n\n',
    "empty deltas": sse(delta("")),
    "lines without end": b"data: ",
}


class Dripping:
    """A transport to a server that sends the next of these after ten seconds each, the last one again and again."""

    def __init__(self, face: Face, *pieces: bytes) -> None:
        self._face = face
        self._pieces = list(pieces)

    def send(self, _: Request) -> object:
        response = Response(200, {"content-type": "text/event-stream"}, None)
        return (response, self) if self._face.kind == "sync" else self._later((response, self))

    def receive(self) -> object:
        self._face.clock.now += 10
        piece = self._pieces.pop(0) if len(self._pieces) > 1 else self._pieces[0]
        return piece if self._face.kind == "sync" else self._later(piece)

    def close(self, *, reuse: bool = False) -> object:  # noqa: ARG002 - of a transport and of its body
        return None if self._face.kind == "sync" else self._later(None)

    async def _later(self, result: object) -> object:
        return result


@pytest.mark.parametrize("sign", SIGNS_OF_LIFE.values(), ids=SIGNS_OF_LIFE)
def test_signs_of_life_alone_are_not_waited_for_longer_than_the_timeout(face: Face, sign: bytes) -> None:
    with pytest.raises(errors.CallTimeoutError, match="kept alive") as raised:
        face.stream(transport=Dripping(face, sign), timeout=100.0)
    assert face.clock.now == 110
    assert raised.value.partial is None


def test_what_had_come_before_the_silence_is_kept(face: Face) -> None:
    with pytest.raises(errors.CallTimeoutError) as raised:
        face.stream(transport=Dripping(face, sse(delta("so far")), b": keep-alive\n\n"), timeout=100.0)
    assert str(raised.value.partial) == "so far"


def test_a_slow_model_is_heard_out(face: Face) -> None:
    thinking = [b": keep-alive\n\n"] * 9
    pieces = [*thinking, sse(delta("a")), *thinking, sse(delta("b", finish="stop")), b"data: [DONE]\n\n"]
    assert str(face.stream(transport=Dripping(face, *pieces), timeout=100.0)) == "ab"


def test_silence_is_the_servers_not_the_consumers(scripted: ScriptedServer) -> None:
    clock, signs = Clock(), [b": keep-alive\n\n"] * 3
    scripted.stream(delta("a"), *signs, delta("b"), *signs, delta(finish="stop"))
    with ChatClient("e", host=scripted.host, token=TOKEN, clock=clock, timeout=5.0) as client:
        for _ in client.stream("hi"):
            clock.now += 1000


@pytest.mark.parametrize("event", [b"data: " + b"x" * 5000, b"data: x\n" * 1000], ids=["one line", "many lines"])
def test_an_event_without_end_ends_in_an_error_with_what_came_before(face: Face, event: bytes) -> None:
    face.server.stream(delta("so far"), event, event, ..., done=False)  # it would go on and on
    with pytest.raises(errors.StreamFailedError, match="more than 4096 bytes") as raised:
        face.stream(max_bytes=4096)
    face.server.hold.set()
    assert str(raised.value.partial) == "so far"
    assert "max_bytes" in str(raised.value.remedy)


def test_many_events_may_have_more_bytes_than_one(face: Face) -> None:
    face.server.stream(*[delta("x" * 1000)] * 20, delta(finish="stop"))
    assert len(str(face.stream(max_bytes=4096))) == 20_000


@pytest.mark.parametrize("packed", [False, True])
def test_a_whole_answer_is_not_read_beyond_its_bound(face: Face, *, packed: bool) -> None:
    body = json.dumps({**OK, "more": "x" * 100_000}).encode()
    headers = {"content_encoding": "gzip"} if packed else {}
    face.server.reply(gzip.compress(body) if packed else body, content_type="application/json", **headers)
    with pytest.raises(errors.BadAnswerError, match="more than 4096 bytes"):
        face.invoke(max_bytes=4096)
    assert str(face.invoke(max_bytes=200_000)) == "hello"


@pytest.mark.parametrize("drop", [b"x", b"x: y\r\n"], ids=["bytes", "lines"])
@pytest.mark.parametrize("before", [b"", b"Content-Length: 9999\r\n\r\n"], ids=["head", "body"])
def test_an_answer_that_drips_in_is_not_waited_for(face: Face, before: bytes, drop: bytes) -> None:
    def dripping() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + before
        while True:
            yield drop
            time.sleep(0.01)  # a server takes its time; nobody waits for it

    with serving(lambda _request: dripping()) as (host, _), pytest.raises(errors.CallTimeoutError, match=r"0\.1 s"):
        face.invoke(host=host, timeout=0.1, max_retries=0)
