"""A server that misbehaves byte by byte. Each attack goes through both clients, and both must say the same."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from chat import AsyncChatClient, ChatClient, errors
from tests.chat.faces import OK, TOKEN, Clock, delta
from tests.chat.raw import STREAM, RawServer, chunked, fixed
from tests.chat.scripted import sse

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE = sse(delta("Gr\N{LATIN SMALL LETTER U WITH DIAERESIS}\N{SPARKLES}")) + sse(delta("!", finish="stop"))
DONE = b"data: [DONE]\n\n"
HELLO = json.dumps(OK).encode()
FIXED = fixed(HELLO)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
CHUNKS = b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(HELLO), HELLO)


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as running:
        yield running


@dataclass(frozen=True)
class Outcome:
    """What a caller sees: the text, and the error with what it carries."""

    text: str
    error: str | None
    partial: str | None
    retry_after: float | None = None


def _failed(text: str, error: errors.ChatError) -> Outcome:
    partial = None if error.partial is None else error.partial.text
    return Outcome(text, type(error).__name__, partial, error.retry_after)


def sync_outcome(server: RawServer, *, stream: bool = True, **options: Any) -> Outcome:  # noqa: ANN401 - a client's
    clock, text = Clock(), ""
    settings = {"max_retries": 0, "clock": clock, "sleep": clock.sleep, "timeout": 5.0} | options
    with ChatClient("e", host=server.host, token=TOKEN, **settings) as client:
        try:
            if not stream:
                return Outcome(str(client.invoke("hi")), None, None)
            for chunk in client.stream("hi"):
                text += chunk.text
        except errors.ChatError as error:
            return _failed(text, error)
    return Outcome(text, None, None)


async def async_outcome(server: RawServer, *, stream: bool = True, **options: Any) -> Outcome:  # noqa: ANN401 - a client's
    clock, text = Clock(), ""
    settings = {"max_retries": 0, "clock": clock, "sleep": clock.asleep, "timeout": 5.0} | options
    async with AsyncChatClient("e", host=server.host, token=TOKEN, **settings) as client:
        try:
            if not stream:
                return Outcome(str(await client.ainvoke("hi")), None, None)
            async for chunk in client.astream("hi"):
                text += chunk.text
        except errors.ChatError as error:
            return _failed(text, error)
    return Outcome(text, None, None)


def both(server: RawServer, *answers: bytes, **options: Any) -> Outcome:  # noqa: ANN401 - a client's
    """The outcome by either client, which must be one."""
    server.answers = list(answers)
    first = sync_outcome(server, **options)
    server.answers = list(answers)
    assert asyncio.run(async_outcome(server, **options)) == first
    return first


TEXT = "Gr\N{LATIN SMALL LETTER U WITH DIAERESIS}\N{SPARKLES}!"


@pytest.mark.parametrize("start", range(4))
def test_a_stream_cut_at_any_byte_is_never_taken_for_a_whole_one(server: RawServer, start: int) -> None:
    whole = chunked(WHOLE + DONE, size=50)
    done = whole.rindex(b"]")  # the end of [DONE]

    async def run(ends: range) -> dict[int, Outcome]:
        found = {}
        for end in ends:
            server.answers = [whole[:end]]
            found[end] = await async_outcome(server)
        return found

    ends = range(start, len(whole), 4)
    asynchronous = asyncio.run(run(ends))
    for end in ends:
        server.answers = [whole[:end]]
        outcome = sync_outcome(server)
        assert asynchronous[end] == outcome, whole[:end]
        assert TEXT.startswith(outcome.text)
        if outcome.error is None:
            assert end > done
            assert outcome.text == TEXT
        else:
            assert (outcome.partial or "") == outcome.text


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_no_chunk_boundary_and_no_line_ending_changes_the_text(server: RawServer, size: int, ending: bytes) -> None:
    body = (b"\xef\xbb\xbf: keep-alive\n\n" + WHOLE + b": keep-alive\n\n" + DONE).replace(b"\n", ending)
    assert both(server, chunked(body, size=size)) == Outcome(TEXT, None, None)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(chunked(WHOLE + DONE + DONE), None, id="two ends"),
        pytest.param(chunked(WHOLE + DONE + sse(delta("more"))), None, id="data after the end"),
        pytest.param(chunked(WHOLE + DONE + sse({"error": "late"})), None, id="an error after the end"),
        pytest.param(chunked(WHOLE), None, id="no end, but a reason"),
        pytest.param(STREAM + b"\r\n" + WHOLE + DONE, None, id="until the connection closes"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + chunked(WHOLE + DONE), None, id="100 ahead"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + chunked(WHOLE + DONE), None, id="103 ahead"),
        pytest.param(
            STREAM.replace(b"\r\n", b"\r\ncontent-encoding: gzip\r\n", 1) + b"\r\n" + gzip.compress(WHOLE + DONE),
            None,
            id="packed",
        ),
        pytest.param(chunked(b": ping\n\n" * 500 + WHOLE + DONE), None, id="keep-alives"),
        pytest.param(chunked(b"event: ping\ndata: {}\n\n" + WHOLE + DONE), None, id="pings with data"),
        pytest.param(chunked(WHOLE[:-1]), None, id="no blank line at the end"),
        pytest.param(fixed(b"<html>", "text/html"), "BadAnswerError", id="HTML"),
        pytest.param(fixed(b"", "text/event-stream"), "StreamCutError", id="nothing"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", "StreamCutError", id="204"),
        pytest.param(b"", "ConnectionFailedError", id="closed without a word"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", "ConnectionFailedError", id="no HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-le", "ConnectionFailedError", id="half a head"),
        pytest.param(chunked(sse({"error": {"message": "no", "code": "c"}})), "ServerError", id="OpenAI's error"),
        pytest.param(
            chunked(sse({"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow"})),
            "RateLimitedError",
            id="Databricks' error",
        ),
        pytest.param(
            chunked(sse({"error": {"type": "overloaded_error", "message": "busy"}})),
            "UnavailableError",
            id="Anthropic's error",
        ),
        pytest.param(
            chunked(b'event: error\ndata: {"message": "The model failed", "type": "modelStreamErrorException"}\n\n'),
            "ServerError",
            id="Bedrock's error",
        ),
        pytest.param(chunked(b"data: {]\n\n"), "StreamFailedError", id="no JSON"),
        pytest.param(chunked(b"data: [1]\n\n"), "StreamFailedError", id="a list"),
        pytest.param(chunked(b"data: " + b"[" * 100_000 + b"\n\n"), "StreamFailedError", id="a hundred thousand deep"),
        pytest.param(fixed(b"\xff\xfe", "application/json"), "BadAnswerError", id="no text"),
        pytest.param(fixed(b"[" * 100_000), "BadAnswerError", id="a whole answer a hundred thousand deep"),
    ],
)
def test_each_oddity_is_an_answer_or_an_error_that_says_what_it_is(
    server: RawServer, answer: bytes, error: str | None
) -> None:
    outcome = both(server, answer)
    assert outcome.error == error
    assert outcome.text == ("" if error else TEXT)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (FIXED, None),
        (fixed(gzip.compress(HELLO), more="content-encoding: gzip\r\n"), None),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + FIXED, None),
        (FIXED[:-5], "ConnectionFailedError"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "BadAnswerError"),
        (fixed(b"x", status="302 Found", more="location: http://127.0.0.1:9/\r\n"), "BadAnswerError"),
        (b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", "BadAnswerError"),
        (b"HTTP/1.1 102 Processing\r\n\r\n" * 20 + FIXED, None),
        (b"HTTP/1.1 102 Processing\r\n\r\n" * 100, "ConnectionFailedError"),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "ConnectionFailedError"),
        (b"\r\n" + FIXED, None),
        (FIXED.replace(b"HTTP/1.1", b"HTTP/1.0"), None),
        (FIXED.replace(b"\r\n", b"\n"), None),
        (FIXED.replace(b"application/json", b"application/json  \r\nx-folded: a\r\n  b\r\nx-odd: \xff\x01"), None),
        (fixed(gzip.compress(HELLO), more="content-encoding: gzip \r\n"), None),
        (fixed(gzip.compress(HELLO)[:-4], more="content-encoding: gzip\r\n"), "ConnectionFailedError"),
        (HEAD + b"\r\n" + HELLO, None),
        (HEAD + b"transfer-encoding: identity\r\n\r\n" + HELLO, None),
        (HEAD + b"content-length: 2\r\n" + CHUNKS, None),
        (HEAD + b"transfer-encoding: gzip\r\n" + CHUNKS, None),
        (HEAD + b"transfer-encoding: gzip\r\n" + CHUNKS[:-5], "ConnectionFailedError"),
        (HEAD + CHUNKS.replace(b"\r\n{", b";x=y;z\r\n{").replace(b"0\r\n\r\n", b"0\r\nx: y\r\n\r\n"), None),
        (HEAD + CHUNKS.replace(b"0\r\n\r\n", b"0\r\nx: y"), "ConnectionFailedError"),
        (HEAD + CHUNKS.replace(b"0\r\n\r\n", b"0\r\nx: " + b"y" * 1_000_000), "ConnectionFailedError"),
        (HEAD + CHUNKS.replace(b"\r\n{", b";" + b"x" * 1_000_000 + b"\r\n{"), "ConnectionFailedError"),
        (HEAD + b"content-length: 2\r\ncontent-length: 900\r\n\r\n{}", "ConnectionFailedError"),
        (HEAD + b"content-length: 1_0\r\n\r\n" + b" " * 10, "ConnectionFailedError"),
        (HEAD + b"x: " + b"y" * 1_000_000 + b"\r\n\r\n" + HELLO, "ConnectionFailedError"),
    ],
)
def test_whole_answers_alike(server: RawServer, answer: bytes, error: str | None) -> None:
    assert both(server, answer, stream=False).error == error


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("-5", 0.0),
        ("1e400", None),
        ("nan", None),
        ("soon", None),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
        ("99999999999999999999", 1e20),
    ],
)
def test_any_retry_after_is_read_or_passed_over(server: RawServer, said: str, seconds: float | None) -> None:
    more = f"retry-after: {said}\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    outcome = both(server, fixed(b"{}", status="429 Too Many Requests", more=more))
    assert (outcome.error, outcome.retry_after) == ("RateLimitedError", seconds)


def test_a_line_of_many_megabytes_is_read_in_its_own_time(server: RawServer) -> None:
    huge = "x" * (16 << 20)
    assert both(server, chunked(sse(delta(huge, finish="stop")) + DONE, size=1 << 14)).text == huge


def test_connections_that_the_server_closes_while_idle_are_replaced(server: RawServer) -> None:
    server.answers = [FIXED]  # it closes after each, without a word of it
    clock = Clock()
    options: dict[str, Any] = {"host": server.host, "token": TOKEN, "clock": clock}
    with ChatClient("e", sleep=clock.sleep, **options) as client:
        assert [str(client.invoke("hi")) for _ in range(20)] == ["hello"] * 20

    async def run() -> list[str]:
        async with AsyncChatClient("e", sleep=clock.asleep, **options) as client:
            return [str(await client.ainvoke("hi")) for _ in range(20)]

    assert asyncio.run(run()) == ["hello"] * 20


def test_what_a_cancelled_stream_left_is_not_the_next_calls(server: RawServer) -> None:
    server.closes = False
    stream, whole = chunked(WHOLE * 200 + DONE, size=64), FIXED
    server.answers = [stream, whole]
    with ChatClient("e", host=server.host, token=TOKEN) as client:
        with client.stream("hi") as begun:
            next(begun)
        assert str(client.invoke("hi")) == "hello"

    async def run() -> str:
        async with AsyncChatClient("e", host=server.host, token=TOKEN) as client:
            async with client.astream("hi") as begun:
                await anext(begun)
            return str(await client.ainvoke("hi"))

    server.answers = [stream, whole]
    assert asyncio.run(run()) == "hello"


@pytest.mark.parametrize("said", [TOKEN, base64.b64encode(TOKEN.encode()).decode()], ids=["plain", "base64"])
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
@pytest.mark.parametrize("wait", [0.0, 0.1], ids=["a call", "a look at its state"])
def test_our_token_is_in_no_error_wherever_the_server_repeats_it(said: str, status: str, wait: float) -> None:
    with RawServer() as server:
        server.answers = [fixed(json.dumps({"error_code": "X", "message": f"bad: {said}"}).encode(), status=status)]
        with (
            ChatClient("e", host=server.host, token=TOKEN, wait=wait, max_retries=0) as client,
            pytest.raises(errors.ChatError) as caught,
        ):
            client.invoke("hi")
    assert "bad: ***" in str(caught.value)
    assert said not in f"{caught.value} {vars(caught.value)} {caught.value.__context__}"


def test_a_request_id_cannot_act_on_a_terminal(server: RawServer) -> None:
    server.answers = [fixed(b"{}", status="400 Bad Request", more="x-request-id: a\x1b[2J\r\n")]
    with ChatClient("e", host=server.host, token=TOKEN) as client, pytest.raises(errors.RefusedError) as caught:
        client.invoke("hi")
    assert caught.value.request_id == "a\N{REPLACEMENT CHARACTER}[2J"
