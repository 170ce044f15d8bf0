"""What models behind Databricks, and the servers that speak for them, write otherwise than OpenAI does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chat import ChatDatabricks, errors
from tests.chat.faces import TOKEN, delta

if TYPE_CHECKING:
    from tests.chat.faces import Face


def whole(message: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}]}


def call(name: str | None, arguments: object, *, identity: str | None = None, **more: object) -> dict[str, Any]:
    told = {"id": identity, "function": {"name": name, "arguments": arguments}, **more}
    return delta(tool_calls=[{key: value for key, value in told.items() if value is not None}])


def calls(face: Face) -> list[tuple[str, str]]:
    answer = face.stream()
    assert answer is not None
    return [(each.name, each.arguments) for each in answer.tool_calls]


@pytest.mark.parametrize("place", [{}, {"index": 0}])
def test_calls_that_share_an_index_are_several_nevertheless(face: Face, place: dict[str, int]) -> None:
    face.server.stream(
        call("f", '{"x": 1}', identity="a", **place),
        call("g", '{"y":', identity="b", **place),
        call(None, " 2}", **place),
        delta(finish="tool_calls"),
    )
    assert calls(face) == [("f", '{"x": 1}'), ("g", '{"y": 2}')]
    model = ChatDatabricks(endpoint="e", host=face.server.host, token=TOKEN)
    streamed = [chunk for chunk in model.stream("hi") if chunk.tool_call_chunks]
    assert sum(streamed[1:], streamed[0]).tool_calls == [
        {"name": "f", "args": {"x": 1}, "id": "a", "type": "tool_call"},
        {"name": "g", "args": {"y": 2}, "id": "b", "type": "tool_call"},
    ]


@pytest.mark.parametrize(
    "again", [{"name": "f", "identity": "a"}, {"name": "f"}, {"name": None, "identity": "made-up"}, {"name": ""}]
)
def test_a_call_that_is_named_again_is_the_same(face: Face, again: dict[str, Any]) -> None:
    piece = call(again["name"], ": 1}", identity=again.get("identity"), index=0)
    face.server.stream(call("f", '{"x"', identity="a", index=0), piece, delta(finish="tool_calls"))
    assert calls(face) == [("f", '{"x": 1}')]


def test_arguments_that_are_an_object_are_read_as_one(face: Face) -> None:
    face.server.stream(call("f", {"x": "\N{SNOWMAN}"}, identity="a"), delta(finish="tool_calls"))
    assert calls(face) == [("f", '{"x": "\N{SNOWMAN}"}')]
    function = {"name": "f", "arguments": {"x": "\N{SNOWMAN}"}}
    face.server.replies.clear()
    face.server.reply(whole({"content": None, "tool_calls": [{"id": "a", "function": function}]}, "tool_calls"))
    assert [each.arguments for each in face.invoke().tool_calls] == ['{"x": "\N{SNOWMAN}"}']


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_beside_the_content_is_read_under_either_name(face: Face, name: str) -> None:
    face.server.stream(delta(**{name: "I "}), delta(**{name: "think"}), delta("yes", finish="stop"))
    answer = face.stream()
    assert answer is not None
    assert (answer.reasoning, answer.text) == ("I think", "yes")
    face.server.replies.clear()
    face.server.reply(whole({"content": "yes", name: "I think"}))
    assert face.invoke().reasoning == "I think"


@pytest.mark.parametrize(
    "content", [{"type": "text", "text": "hi"}, [{"type": "text", "text": None}, {"type": "text", "text": "hi"}]]
)
def test_content_that_is_one_block_or_holds_an_empty_one_is_its_text(face: Face, content: object) -> None:
    face.server.reply(whole({"content": content}))
    assert str(face.invoke()) == "hi"


def test_half_a_surrogate_pair_is_no_text_that_nothing_can_write(face: Face) -> None:
    face.server.stream(delta("a\ud83d"), delta("\ude00b \N{SPARKLES}", finish="stop"))
    assert str(face.stream()) == "a\ufffd\ufffdb \N{SPARKLES}"
    face.server.replies.clear()
    face.server.reply(whole({"content": "\ud83d! \N{GRINNING FACE}"}))
    answer = face.invoke()
    assert str(answer).encode().decode() == "\ufffd! \N{GRINNING FACE}"


def test_a_reason_that_is_said_on_each_piece_is_said_once(face: Face) -> None:
    face.server.stream(delta("a", finish="stop"), delta("b", finish="stop"))
    face.stream()
    assert [chunk.finish_reason for chunk in face.chunks] == ["stop", None, None]


@pytest.mark.parametrize(
    ("report", "error"),
    [
        ({"error": {"code": 429, "message": "Resource exhausted", "status": "RESOURCE_EXHAUSTED"}}, "RateLimitedError"),
        ({"error": {"message": "no", "type": "BadRequestError", "param": None, "code": 400}}, "BadRequestError"),
        ({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}, "BadRequestError"),
        ({"error": {"type": "ThrottlingException", "message": "slow down"}}, "RateLimitedError"),
        ({"error": {"message": "what", "code": 7}}, "ServerError"),
    ],
)
def test_a_providers_error_in_a_stream_is_of_the_kind_it_would_have_been_by_itself(
    face: Face, report: dict[str, Any], error: str
) -> None:
    face.server.stream(report)
    with pytest.raises(errors.RefusedError) as raised:
        face.stream(max_retries=0)
    assert type(raised.value).__name__ == error
