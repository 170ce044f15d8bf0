"""Streams over real HTTP, by either client."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from chat import errors
from chat.messages import ToolCall, Usage
from tests.chat.faces import OK, delta

if TYPE_CHECKING:
    from tests.chat.faces import Face


def test_a_stream_asks_for_its_usage_and_says_it_once_at_the_end(face: Face) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    face.server.stream(
        {**delta("a"), "usage": usage}, {**delta("b", finish="stop"), "usage": usage}, {"choices": [], "usage": usage}
    )
    answer = face.stream()
    assert face.server.bodies[0]["stream_options"] == {"include_usage": True}
    assert [chunk.text for chunk in face.chunks] == ["a", "b", ""]
    assert [chunk.usage for chunk in face.chunks] == [None, None, Usage(1, 2, 3)]
    assert [chunk.last for chunk in face.chunks] == [False, False, True]
    assert answer is not None
    assert (answer.text, answer.usage, answer.finish_reason) == ("ab", Usage(1, 2, 3), "stop")


def test_streams_reuse_their_connection(face: Face) -> None:
    face.server.stream(delta("a", finish="stop"))
    face.stream(times=5)
    assert face.server.connections == 1


def test_tool_calls_are_joined_by_their_index(face: Face) -> None:
    def call(index: int, **more: object) -> dict[str, object]:
        return delta(tool_calls=[{"index": index, **more}])

    face.server.stream(
        call(0, id="x", function={"name": "f", "arguments": "{}"}),
        call(0, function={"arguments": '{"a"'}),
        call(1, id="y", function={"name": "g", "arguments": ""}),
        call(0, function={"arguments": ": 1}"}),
        delta(finish="tool_calls"),
    )
    answer = face.stream()
    assert answer is not None
    assert answer.tool_calls == (ToolCall("x", "f", '{"a": 1}'), ToolCall("y", "g", "{}"))


def test_an_endpoint_that_does_not_stream_is_one_chunk(face: Face) -> None:
    face.server.reply(OK)
    answer = face.stream()
    assert [chunk.text for chunk in face.chunks] == ["hello", ""]
    assert answer is not None
    assert answer.usage == Usage(1, 2, 3)


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        pytest.param([delta("part"), None], errors.StreamCutError, id="cut in the transfer"),
        pytest.param([delta("part"), b'data: {"choices": [{"del', None], errors.StreamCutError, id="cut in an event"),
        pytest.param([delta("part")], errors.StreamCutError, id="closed without an end"),
        pytest.param([delta("part"), {"error": {"message": "no", "code": "c"}}], errors.StreamFailedError, id="error"),
        pytest.param([delta("part"), {"error_code": "c", "message": "no"}], errors.StreamFailedError, id="error_code"),
        pytest.param([delta("part"), b"event: error\ndata: {}\n\n"], errors.StreamFailedError, id="error event"),
        pytest.param([delta("part"), b"data: <html>\n\n"], errors.StreamFailedError, id="no JSON"),
    ],
)
def test_a_stream_that_breaks_is_an_error_with_what_had_come(
    face: Face, events: list[Any], kind: type[errors.StreamError]
) -> None:
    face.server.stream(*events, done=False)
    with pytest.raises(kind) as caught:
        face.stream()
    assert "".join(map(str, face.chunks)) == "part"
    assert caught.value.partial is not None
    assert caught.value.partial.text == "part"
    assert len(face.server.requests) == 1  # text had come: nothing is said twice


def test_a_stream_that_falls_silent_is_a_timeout_with_what_had_come(face: Face) -> None:
    silence = threading.Event()
    face.server.hold = silence
    face.server.stream(delta("part"), ..., delta("", finish="stop"))
    with pytest.raises(errors.CallTimeoutError) as caught:
        face.stream(timeout=0.2)
    silence.set()
    assert caught.value.partial is not None
    assert caught.value.partial.text == "part"


def test_a_stream_without_done_that_says_why_it_ended_is_complete(face: Face) -> None:
    face.server.stream(delta("a", finish="stop"), done=False)
    answer = face.stream()
    assert answer is not None
    assert answer.text == "a"


def test_a_stream_cut_before_its_first_token_is_tried_again(face: Face) -> None:
    face.server.stream(None, done=False).stream(delta("a", finish="stop"))
    answer = face.stream()
    assert answer is not None
    assert answer.text == "a"
    assert len(face.clock.pauses) == 1


def test_a_throttle_told_inside_a_stream_before_its_first_token_is_waited_out(face: Face) -> None:
    throttle = {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow down"}
    face.server.stream(throttle, done=False).stream(delta("a", finish="stop"))
    answer = face.stream()
    assert answer is not None
    assert answer.text == "a"


def test_an_empty_stream_is_an_error(face: Face) -> None:
    face.server.stream({"choices": []})
    with pytest.raises(errors.BadAnswerError, match="without any choice"):
        face.stream()


def test_a_consumer_that_goes_away_cancels_the_call(face: Face) -> None:
    endless = [delta("x" * 4096)] * 2000
    face.server.stream(*endless)
    client = face.client()
    if face.kind == "sync":
        with client.stream("hi") as stream:
            next(stream)
    else:

        async def run() -> None:
            async with client.astream("hi") as stream:
                await anext(stream)

        asyncio.run(run())
    assert face.server.aborted.wait(5)
