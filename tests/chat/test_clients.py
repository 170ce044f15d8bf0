"""Both clients over real HTTP: the same behaviour from either, since they drive the same flow."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import pickle
import socket
import threading
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chat import AsyncChatClient, ChatClient, Endpoint, errors
from chat.messages import Answer, Chunk, ToolCall, Usage
from chat.wire import Response

if TYPE_CHECKING:
    from conftest import ScriptedServer

    from chat.wire import Request

TOKEN = "dapi-stand-in-token"
OK = {
    "id": "1",
    "model": "gpt-x",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


def delta(content: object = None, *, finish: str | None = None, **more: object) -> dict[str, object]:
    piece = {} if content is None else {"content": content}
    return {"id": "1", "model": "gpt-x", "choices": [{"index": 0, "delta": piece | more, "finish_reason": finish}]}


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)


class Face:
    """Either client, called the same way."""

    def __init__(self, kind: str, server: ScriptedServer) -> None:
        self.kind = kind
        self.server = server
        self.clock = Clock()
        self.chunks: list[Chunk] = []

    def client(self, endpoint: object = "my-chat", **options: object) -> Any:  # noqa: ANN401 - either client
        options = {"host": self.server.host, "token": TOKEN, "clock": self.clock} | options
        if self.kind == "sync":
            return ChatClient(endpoint, sleep=self.clock.sleep, **options)
        return AsyncChatClient(endpoint, sleep=self.clock.asleep, **options)

    def ask(self, client: object) -> Answer:
        """One call of a client that stays open."""
        answer: Answer = client.invoke("hi") if self.kind == "sync" else asyncio.run(client.ainvoke("hi"))
        return answer

    def invoke(self, *calls: dict[str, Any], endpoint: object = "my-chat", **options: object) -> Answer:
        client = self.client(endpoint, **options)
        if self.kind == "sync":
            with client:
                return [client.invoke("hi", **call) for call in calls or ({},)][-1]

        async def run() -> Answer:
            async with client:
                return [await client.ainvoke("hi", **call) for call in calls or ({},)][-1]

        return asyncio.run(run())

    def stream(self, *, times: int = 1, **options: object) -> Answer | None:
        client = self.client(**options)
        if self.kind == "sync":
            with client:
                for _ in range(times):
                    stream = client.stream("hi")
                    self.chunks = []
                    for chunk in stream:
                        self.chunks.append(chunk)
                return stream.answer

        async def run() -> Answer | None:
            async with client:
                for _ in range(times):
                    stream = client.astream("hi")
                    self.chunks = []
                    async for chunk in stream:
                        self.chunks.append(chunk)
                return stream.answer

        return asyncio.run(run())


@pytest.fixture(params=["sync", "async"])
def face(request: pytest.FixtureRequest, scripted: ScriptedServer) -> Face:
    return Face(request.param, scripted)


def test_the_call_goes_to_the_endpoints_own_path_without_a_model(face: Face) -> None:
    face.server.reply(OK)
    answer = face.invoke({"temperature": 0, "max_tokens": None, "extra_body": {"top_k": 3}})
    path, headers, body = face.server.requests[0]
    assert path == "/serving-endpoints/my-chat/invocations"
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert body == {"messages": [{"role": "user", "content": "hi"}], "temperature": 0, "top_k": 3}
    assert (str(answer), answer.usage, answer.model, answer.finish_reason) == ("hello", Usage(1, 2, 3), "gpt-x", "stop")
    assert answer.metadata["endpoint"] == "my-chat"


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


def test_an_empty_stream_is_an_error(face: Face) -> None:
    face.server.stream({"choices": []})
    with pytest.raises(errors.BadAnswerError, match="without any choice"):
        face.stream()


def test_a_null_id_and_missing_fields_are_fine(face: Face) -> None:
    face.server.reply({"id": None, "choices": [{"message": {"content": "a"}}]})
    answer = face.invoke()
    assert (answer.text, answer.id, answer.usage, answer.finish_reason) == ("a", None, None, None)


def test_an_agents_answer_reads_like_any_other(face: Face) -> None:
    messages = [{"role": "tool", "content": "x"}, {"role": "assistant", "content": "a"}]
    face.server.reply({"messages": messages, "custom_outputs": {"k": 1}})
    answer = face.invoke()
    assert (answer.text, answer.metadata["custom_outputs"]) == ("a", {"k": 1})


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
