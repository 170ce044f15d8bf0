"""Both clients over real HTTP: the same behaviour from either, since they drive the same flow."""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import threading
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chat import AsyncChatClient, ChatClient, Endpoint, errors
from chat.messages import Answer, Usage
from tests.chat.faces import OK, TOKEN

if TYPE_CHECKING:
    from tests.chat.faces import Face
    from tests.chat.scripted import ScriptedServer


def test_the_call_goes_to_the_endpoints_own_path_without_a_model(face: Face) -> None:
    face.server.reply(OK)
    answer = face.invoke({"temperature": 0, "max_tokens": None, "extra_body": {"top_k": 3}})
    path, headers, body = face.server.requests[0]
    assert path == "/serving-endpoints/my-chat/invocations"
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert body == {"messages": [{"role": "user", "content": "hi"}], "temperature": 0, "top_k": 3}
    assert (str(answer), answer.usage, answer.model, answer.finish_reason) == ("hello", Usage(1, 2, 3), "gpt-x", "stop")
    assert answer.metadata["endpoint"] == "my-chat"


@pytest.mark.parametrize("way", ["invoke", "stream"])
@pytest.mark.parametrize("body", [b"", b"<html>moved</html>", OK])
def test_a_redirect_is_not_followed_and_told_as_one(face: Face, body: object, way: str) -> None:
    face.server.reply(body, status=307, location="https://elsewhere.example/")
    with pytest.raises(errors.BadAnswerError, match="answered 307 and sends us elsewhere") as caught:
        getattr(face, way)()
    assert "DATABRICKS_HOST" in str(caught.value.remedy)
    assert caught.value.status == 307
    assert len(face.server.requests) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><title>Login</title></html>", "HTML page"),
        ({"predictions": [1]}, "pyfunc"),
        ({**OK, "choices": []}, "without any choice"),
        ({"data": []}, "embeddings"),
        ([1], "JSON list"),
        ({}, "no chat answer"),
    ],
)
@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_a_success_that_is_no_answer_is_an_error(face: Face, body: object, words: str, way: str) -> None:
    face.server.reply(body, x_request_id="r-1")
    with pytest.raises(errors.BadAnswerError, match=words) as caught:
        getattr(face, way)()
    assert (caught.value.status, caught.value.request_id) == (200, "r-1")


def test_a_null_id_and_missing_fields_are_fine(face: Face) -> None:
    face.server.reply({"id": None, "choices": [{"message": {"content": "a"}}]})
    answer = face.invoke()
    assert (answer.text, answer.id, answer.usage, answer.finish_reason) == ("a", None, None, None)


def test_an_agents_answer_reads_like_any_other(face: Face) -> None:
    messages = [{"role": "tool", "content": "x"}, {"role": "assistant", "content": "a"}]
    face.server.reply({"messages": messages, "custom_outputs": {"k": 1}})
    answer = face.invoke()
    assert (answer.text, answer.metadata["custom_outputs"]) == ("a", {"k": 1})


def test_a_call_on_behalf_of_a_user_never_leaves_its_token_behind(face: Face) -> None:
    face.server.reply(OK)
    face.invoke({"token": "anns-token"}, {}, {"token": "bobs-token"})
    sent = [headers["authorization"] for _, headers, _ in face.server.requests]
    assert sent == ["Bearer anns-token", f"Bearer {TOKEN}", "Bearer bobs-token"]
    assert face.server.connections == 1


def test_secrets_are_in_no_repr(face: Face) -> None:
    client = face.client(Endpoint("a", token="secret-token"))
    assert "secret-token" not in repr(Endpoint("a", token="secret-token"))
    assert TOKEN not in repr(vars(client))


def test_a_client_can_be_pickled(face: Face) -> None:
    face.server.reply(OK)
    plain = {"host": face.server.host, "token": TOKEN}
    client = ChatClient("a", **plain) if face.kind == "sync" else AsyncChatClient("a", **plain)
    copy = pickle.loads(pickle.dumps(client))  # noqa: S301 - our own bytes
    if isinstance(copy, ChatClient):
        with copy:
            assert copy.invoke("hi").text == "hello"
    else:
        assert asyncio.run(copy.ainvoke("hi")).text == "hello"


def test_one_async_client_works_in_one_event_loop_after_the_other(scripted: ScriptedServer) -> None:
    scripted.reply(OK)
    client = AsyncChatClient("a", host=scripted.host, token=TOKEN)

    async def eight() -> list[Answer]:
        return await asyncio.gather(*(client.ainvoke("hi") for _ in range(8)))

    assert len(asyncio.run(eight())) == 8
    assert len(asyncio.run(eight())) == 8


def test_many_async_calls_at_once_all_get_their_answer(scripted: ScriptedServer) -> None:
    scripted.reply(OK)
    client = AsyncChatClient("a", host=scripted.host, token=TOKEN)

    async def run() -> int:
        answers = await asyncio.gather(*(client.ainvoke("hi") for _ in range(150)))
        return len(answers)

    assert asyncio.run(run()) == 150


def _in_child(client: ChatClient, results: object) -> None:
    results.put(str(client.invoke("hi")))


def test_a_forked_child_opens_connections_of_its_own(scripted: ScriptedServer) -> None:
    scripted.reply(OK)
    with ChatClient("a", host=scripted.host, token=TOKEN) as client:
        client.invoke("hi")
        context = multiprocessing.get_context("fork")
        results = context.SimpleQueue()
        child = context.Process(target=_in_child, args=(client, results))
        child.start()
        assert results.get() == "hello"
        child.join(10)
        client.invoke("hi")
    assert scripted.connections == 2


def test_a_slow_login_does_not_stop_the_event_loop(scripted: ScriptedServer) -> None:
    scripted.reply(OK)
    entered, leave = threading.Event(), threading.Event()

    def login() -> str:
        entered.set()
        assert leave.wait(10)
        return TOKEN

    async def run() -> str:
        call = asyncio.create_task(AsyncChatClient("a", host=scripted.host, token=login).ainvoke("hi"))
        await asyncio.to_thread(entered.wait, 10)  # the loop goes on while the login waits for us
        leave.set()
        return str(await call)

    assert asyncio.run(run()) == "hello"


@pytest.mark.parametrize(
    "header", [("X-Team", "a\r\nX-Injected: 1"), ("X-Team", "a\nb"), ("X-Team", "\N{SNOWMAN}"), ("a b", "c")]
)
def test_a_header_that_http_cannot_carry_is_refused_before_anything_is_sent(
    face: Face, header: tuple[str, str]
) -> None:
    with pytest.raises(errors.InvalidRequestError):
        face.invoke(headers=dict([header]))
    assert face.server.connections == 0


def test_it_names_itself_by_the_distributions_version(face: Face) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    face.server.reply(OK)
    face.invoke()
    assert face.server.requests[0][1]["user-agent"] == f"gatewright-chat/{project['version']}"
