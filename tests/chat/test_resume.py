"""A broken stream whose rest is asked for, by either client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chat import errors
from chat.messages import Usage
from tests.chat.faces import delta

if TYPE_CHECKING:
    from tests.chat.faces import Face


def used(prompt: int, completion: int) -> dict[str, object]:
    return {"usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}}


def text(face: Face) -> str:
    return "".join(chunk.text for chunk in face.chunks)


def test_the_rest_of_a_text_is_asked_for_with_what_had_come(face: Face) -> None:
    face.server.stream({**delta("one "), **used(5, 1)}, None).stream(
        delta("two"), {**delta(finish="stop"), **used(9, 2)}
    )
    answer = face.stream(resume=True)
    assert answer is not None
    assert (answer.text, text(face), answer.finish_reason) == ("one two", "one two", "stop")
    first, second = face.server.bodies
    assert second["messages"][:-2] == first["messages"]  # type: ignore[index]
    assert second["messages"][-2] == {"role": "assistant", "content": "one "}  # type: ignore[index]
    assert second["messages"][-1]["role"] == "user"  # type: ignore[index]
    assert answer.usage == Usage(14, 3, 17)
    assert [chunk.usage for chunk in face.chunks if chunk.last] == [Usage(14, 3, 17)]
    resumed = answer.metadata["resumed"]
    assert isinstance(resumed, list)
    assert [(each["after"], each["usage"]) for each in resumed] == [(4, Usage(5, 1, 6))]


def test_without_being_asked_nothing_is_resumed(face: Face) -> None:
    face.server.stream(delta("one "), None).stream(delta("two", finish="stop"))
    with pytest.raises(errors.StreamCutError):
        face.stream()
    assert len(face.server.requests) == 1


def test_usage_that_one_part_did_not_say_is_not_made_up(face: Face) -> None:
    face.server.stream(delta("one "), None).stream({**delta("two", finish="stop"), **used(9, 2)})
    answer = face.stream(resume=True)
    assert answer is not None
    assert answer.usage is None


def test_an_answer_is_resumed_as_often_as_it_goes_on(face: Face) -> None:
    face.server.stream(delta("a"), None).stream(delta("b"), None).stream(delta("c"), None)
    face.server.stream(delta("d", finish="stop"))
    answer = face.stream(resume=True, max_retries=1)
    assert answer is not None
    assert answer.text == "abcd"
    assert len(answer.metadata["resumed"]) == 3  # type: ignore[arg-type]


def test_one_that_does_not_go_on_is_given_up_with_all_that_had_come(face: Face) -> None:
    face.server.stream(delta("a"), None).stream(None, done=False)
    with pytest.raises(errors.StreamCutError) as caught:
        face.stream(resume=True, retry_for=20)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "a"
    assert text(face) == "a"


def test_a_resumption_that_is_throttled_waits(face: Face) -> None:
    face.server.stream(delta("a"), None).reply({}, status=429, retry_after="7").stream(delta("b", finish="stop"))
    answer = face.stream(resume=True)
    assert answer is not None
    assert answer.text == "ab"
    assert sum(face.clock.pauses) >= 7


def test_a_resumption_that_is_refused_says_so_with_all_that_had_come(face: Face) -> None:
    face.server.stream(delta("a"), None).reply({"error_code": "BAD_REQUEST", "message": "no"}, status=400)
    with pytest.raises(errors.BadRequestError) as caught:
        face.stream(resume=True)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "a"


def test_a_server_that_is_overloaded_midway_is_resumed_too(face: Face) -> None:
    overloaded = {"error": {"type": "overloaded_error", "message": "busy"}}
    face.server.stream(delta("a"), overloaded, done=False).stream(delta("b", finish="stop"))
    answer = face.stream(resume=True)
    assert answer is not None
    assert answer.text == "ab"


@pytest.mark.parametrize(
    ("events", "params"),
    [
        pytest.param(
            [delta(tool_calls=[{"index": 0, "id": "x", "function": {"name": "f", "arguments": '{"a'}}])],
            {},
            id="half a tool call",
        ),
        pytest.param([delta('{"a'), None], {"response_format": {"type": "json_object"}}, id="half a JSON document"),
        pytest.param([delta("a"), {"error_code": "BAD_REQUEST", "message": "no"}], {}, id="an error of the request's"),
        pytest.param([delta("a", finish="stop"), b"x", None], {}, id="an answer that is whole"),
        pytest.param(
            [delta("a"), {**delta("b"), "choices": [{"index": 1, "delta": {"content": "b"}}]}], {}, id="several choices"
        ),
    ],
)
def test_what_would_not_fit_together_is_not_resumed(face: Face, events: list[Any], params: dict[str, object]) -> None:
    face.server.stream(*events, None, done=False)
    with pytest.raises(errors.StreamError) as caught:
        face.stream(resume=True, params=params)
    assert caught.value.partial is not None
    assert len(face.server.requests) == 1


@pytest.mark.parametrize("option", ["resume", "max_retries", "retry_for", "host"])
def test_an_option_that_a_call_does_not_have_is_refused_and_not_sent(face: Face, option: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match=f"{option}= is no option"):
        face.invoke({option: 1})
    assert face.server.requests == []


def test_a_field_of_an_options_name_goes_into_extra_body(face: Face) -> None:
    face.server.reply({"choices": [{"message": {"content": "one"}}]})
    face.invoke({"extra_body": {"resume": True}})
    assert face.server.bodies[0]["resume"] is True


def test_a_client_that_never_retries_resumes_nothing(face: Face) -> None:
    face.server.stream(delta("one "), None).stream(delta("two", finish="stop"))
    with pytest.raises(errors.StreamCutError):
        face.stream(resume=True, max_retries=0)
    assert len(face.server.requests) == 1
