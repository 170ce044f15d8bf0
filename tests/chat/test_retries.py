"""When a call is tried again, elsewhere or with less, by either client."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from chat import ChatClient, Endpoint, errors
from tests.chat.faces import OK, TOKEN, Clock, delta

if TYPE_CHECKING:
    from tests.chat.faces import Face
    from tests.chat.scripted import ScriptedServer


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(face: Face, status: int) -> None:
    face.server.reply({}, status=status, retry_after="7").reply(OK)
    assert face.invoke().text == "hello"
    assert sum(face.clock.pauses) >= 7


def test_without_retry_after_pauses_grow_until_the_deadline(face: Face) -> None:
    face.server.reply({"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "m"}, status=429)
    with pytest.raises(errors.RateLimitedError, match="m"):
        face.invoke(retry_for=30)
    assert 20 < sum(face.clock.pauses) <= 30
    assert face.clock.pauses[-1] > face.clock.pauses[0]


def test_a_retry_after_beyond_the_deadline_is_not_waited_for(face: Face) -> None:
    face.server.reply({}, status=429, retry_after="3600")
    with pytest.raises(errors.RateLimitedError) as caught:
        face.invoke(retry_for=30)
    assert (caught.value.retry_after, face.clock.pauses) == (3600, [])


def test_max_retries_bounds_the_attempts(face: Face) -> None:
    face.server.reply({}, status=503)
    with pytest.raises(errors.UnavailableError):
        face.invoke(max_retries=2)
    assert len(face.server.requests) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_what_does_not_pass_is_not_tried_again(face: Face, status: int) -> None:
    face.server.reply({"error_code": "X", "message": "m"}, status=status)
    with pytest.raises(errors.RefusedError):
        face.invoke()
    assert len(face.server.requests) == 1


def test_one_calls_retry_after_holds_the_next_call_back(face: Face) -> None:
    face.server.reply({}, status=429, retry_after="50").reply(OK)
    client = face.client(retry_for=40)
    with pytest.raises(errors.RateLimitedError):
        face.ask(client)
    assert face.ask(client).text == "hello"
    assert face.clock.pauses == [40]


def test_nobody_listening_is_an_error_that_names_the_host(face: Face) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(errors.ConnectionFailedError, match=host):
        face.invoke(host=host)
    assert 1 < face.clock.now <= 5


def test_a_host_that_has_answered_before_is_given_all_the_time_to_come_back(scripted: ScriptedServer) -> None:
    scripted.reply(OK)
    clock = Clock()
    with ChatClient("e", host=scripted.host, token=TOKEN, clock=clock, sleep=clock.sleep) as client:
        client.invoke("hi")
        scripted.stop()
        with pytest.raises(errors.UnreachableError):
            client.invoke("hi")
    assert clock.now > 30


def test_each_pause_says_why(face: Face) -> None:
    said: list[tuple[str, float]] = []
    face.server.reply({"error_code": "X", "message": "too fast"}, status=429, retry_after="7").reply(OK)
    face.invoke(on_pause=lambda reason, seconds: said.append((reason, seconds)))
    assert ("too fast" in said[0][0], said[0][1] >= 7) == (True, True)


def test_no_answer_in_time_is_an_error_and_not_tried_again(face: Face) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(errors.CallTimeoutError):
        face.invoke(host=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.05)
    assert face.clock.pauses == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_renewed_once(face: Face, status: int) -> None:
    tokens = iter(["old-token", "new-token"])
    refused = {"error_code": status, "message": "Invalid access token."}
    face.server.reply(refused, status=status).reply(OK)
    assert face.invoke(token=lambda: next(tokens)).text == "hello"
    sent = [headers["authorization"] for _, headers, _ in face.server.requests]
    assert sent == ["Bearer old-token", "Bearer new-token"]


def test_a_token_that_cannot_be_renewed_is_refused_at_once(face: Face) -> None:
    face.server.reply({"error_code": 401, "message": f"bad token {TOKEN}"}, status=401)
    with pytest.raises(errors.UnauthenticatedError) as caught:
        face.invoke()
    assert len(face.server.requests) == 1
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("name", ["temperature", "stream_options"])
def test_a_refused_parameter_is_left_out_once_and_for_all_with_a_warning(face: Face, name: str) -> None:
    refusal = {"error_code": "BAD_REQUEST", "message": f'json: unknown field "{name}"'}
    face.server.reply(refusal, status=400).stream(delta("a", finish="stop"))
    client = face.client()

    def stream() -> None:
        if face.kind == "sync":
            list(client.stream("hi", temperature=0))
        else:

            async def run() -> None:
                async for _ in client.astream("hi", temperature=0):
                    pass

            asyncio.run(run())

    with pytest.warns(errors.ChatWarning, match=name):
        stream()
    stream()  # a second warning would be an error here
    assert [name in body for body in face.server.bodies] == [True, False, False]
    if face.kind == "sync":
        client.close()


def test_another_endpoint_answers_when_the_first_is_unavailable(face: Face) -> None:
    face.server.reply({"error_code": "X", "message": "down"}, status=503).reply(OK)
    answer = face.invoke(endpoint=["primary", "secondary"])
    assert [path.split("/")[2] for path, _, _ in face.server.requests] == ["primary", "secondary"]
    assert answer.metadata["endpoint"] == "secondary"
    assert "down" in answer.metadata["fallback_from"]["primary"]  # type: ignore[index]
    assert face.clock.pauses == []


def test_a_fallback_may_be_in_another_workspace_with_its_own_token(face: Face, scripted: ScriptedServer) -> None:
    face.server.reply({}, status=429).reply(OK)
    elsewhere = Endpoint("b", host=scripted.host.replace("127.0.0.1", "localhost"), token="other-token")
    face.invoke(endpoint=["a", elsewhere])
    assert scripted.requests[-1][1]["host"].startswith("localhost")
    assert scripted.requests[-1][1]["authorization"] == "Bearer other-token"


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_a_fallback_is_for_an_endpoint_that_is_away(face: Face, status: int) -> None:
    face.server.reply({"error_code": "X", "message": "m"}, status=status).reply(OK)
    if status == 500:  # what fails on its merits would fail elsewhere too
        with pytest.raises(errors.ServerError):
            face.invoke(endpoint=["primary", "secondary"])
    else:
        assert face.invoke(endpoint=["primary", "secondary"]).metadata["endpoint"] == "secondary"


def test_a_primary_that_does_not_answer_in_time_is_passed_over(face: Face) -> None:
    face.server.reply(OK)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dead = Endpoint("dead", host=f"http://127.0.0.1:{silent.getsockname()[1]}", token=TOKEN)
        answer = face.invoke({"timeout": 0.5}, endpoint=[dead, "alive"])
    assert "dead" in answer.metadata["fallback_from"]  # type: ignore[operator]
