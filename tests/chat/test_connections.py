"""The connections of both clients: when they are kept, when they are cut, and that nothing of them is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from proving.certificates import self_signed, server_side

from chat import AsyncChatClient, ChatClient, errors
from chat.aio import pool
from chat.aio import transport as loop_transport
from chat.client import pool as client_pool
from tests.chat.faces import OK, TOKEN, delta
from tests.chat.raw import STREAM, RawServer, Tunnel, chunked, fixed
from tests.chat.scripted import sse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("no_way_of_the_machines_own")

ANSWER = fixed(json.dumps(OK).encode())
DONE = b"data: [DONE]\n\n"
WHOLE = chunked(sse(delta("hello", finish="stop")) + DONE)
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


@pytest.fixture(scope="module", autouse=True)
def _only_what_is_new_is_collected() -> Iterator[None]:
    """Hundreds of thousands of objects of other tests need not be walked again and again."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Awaitable[Any]], Any]:
    """Run in an event loop, and look that nothing went wrong in it that nobody was told of."""

    def run(work: Awaitable[Any]) -> Any:  # noqa: ANN401 - what the work returns
        untold: list[dict[str, Any]] = []

        async def watched() -> Any:  # noqa: ANN401 - as above
            asyncio.get_running_loop().set_exception_handler(lambda _, context: untold.append(context))
            result = await asyncio.wait_for(work, 20)
            for _ in range(100):  # of a client that is dropped, a task closes the connections
                await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return result

        with asyncio.Runner(loop_factory=LOOPS[request.param], debug=True) as runner:
            result = runner.run(watched())
        gc.collect()  # whatever is left open says so, and warnings are errors
        assert untold == []
        return result

    return run


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as running:
        running.closes = False
        running.answers = [ANSWER]
        yield running


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["plain", "TLS", "a tunnel", "a tunnel by TLS"])
def way(request: pytest.FixtureRequest, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    """A server at the end of each kind of way."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tunnel = None
    with RawServer(tls=None if request.param == "plain" else server_side(certificate)) as running:
        running.closes = False
        running.answers = [ANSWER]
        if "tunnel" in request.param:
            tunnel = Tunnel(tls=server_side(certificate) if "TLS" in request.param else None)
            monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
        yield running
    if tunnel is not None:
        tunnel.close()


def client(host: str, **options: Any) -> AsyncChatClient:  # noqa: ANN401 - a client's
    return AsyncChatClient("e", host=host, token=TOKEN, **{"max_retries": 0, "timeout": 5.0} | options)


async def streamed(of: AsyncChatClient) -> str:
    return "".join([chunk.text async for chunk in of.astream("hi")])


async def cancelled(task: asyncio.Task[Any]) -> bool:
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()


def silent(_: socket.socket) -> None:
    time.sleep(0.3)


@contextlib.contextmanager
def deaf() -> Iterator[str]:
    """A server whose connections are made, and that is all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


# each way, on each event loop


def test_calls_and_streams_share_a_connection(run: Callable[..., Any], way: RawServer) -> None:
    way.answers = [ANSWER, WHOLE] * 3 + [ANSWER]

    async def call() -> list[str]:
        async with client(way.host) as asked:
            return [each for _ in range(3) for each in (str(await asked.ainvoke("hi")), await streamed(asked))]

    assert run(call()) == ["hello"] * 6
    assert way.connections == 1


def test_a_call_cancelled_at_any_moment_leaves_nothing(run: Callable[..., Any], way: RawServer) -> None:
    async def call() -> int:
        over = 0
        async with client(way.host) as asked:
            for steps in range(0, 40, 2):
                if steps % 4 == 0:
                    await asked.close()  # from the beginning: resolving, connecting, the tunnel, the handshakes
                task = asyncio.create_task(asked.ainvoke("hi"))
                for _ in range(steps):
                    await asyncio.sleep(0)
                over += not await cancelled(task)
            assert str(await asked.ainvoke("hi")) == "hello"
        return over

    run(call())


def test_a_call_under_way_when_the_client_is_closed_ends(run: Callable[..., Any], way: RawServer) -> None:
    async def call() -> None:
        asked = client(way.host)
        await asked.ainvoke("hi")
        for steps in range(0, 40, 4):
            tasks = [asyncio.create_task(asked.ainvoke("hi")) for _ in range(3)]
            for _ in range(steps):
                await asyncio.sleep(0)
            await asked.close()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                assert str(result) == "hello" or isinstance(result, errors.ConnectionFailedError)
        await asked.close()

    run(call())


def test_a_stream_faster_than_its_reader_has_to_wait(run: Callable[..., Any], way: RawServer) -> None:
    """With the end of the answer, and of the connection, reached while the reader looks away."""
    text, pieces = "x" * 10_000, 1_000

    def flood(connection: socket.socket) -> None:
        connection.sendall(STREAM + b"connection: close\r\n\r\n")
        for _ in range(pieces):
            connection.sendall(sse(delta(text)))
        connection.sendall(sse(delta("", finish="stop")) + DONE)
        connection.shutdown(socket.SHUT_WR)

    way.answers, way.closes = [flood], True

    async def call() -> int:
        async with client(way.host) as asked, asked.astream("hi") as answer:
            length = len((await anext(answer)).text)
            await asyncio.sleep(0.1)
            [here] = asked._driver.transport._loops.values()  # type: ignore[attr-defined]
            [connection] = next(iter(here.pools.values()))._open
            assert connection._reading.held < 1_000_000
            async for chunk in answer:
                length += len(chunk.text)
            return length

    assert run(call()) == len(text) * pieces


@pytest.mark.parametrize("ending", ["closed", "cut", "cancelled", "left"])
def test_a_reader_that_leaves_a_waiting_stream_leaves_nothing(
    run: Callable[..., Any], way: RawServer, ending: str
) -> None:
    way.answers = [lambda connection: connection.sendall(STREAM + b"\r\n" + sse(delta("x" * 10_000)) * 300)]

    async def call() -> None:
        asked = client(way.host)
        answer = asked.astream("hi")
        await anext(answer)
        await asyncio.sleep(0.02)
        if ending == "closed":
            await asked.close()
        elif ending == "cut":
            await answer.aclose()
        elif ending == "cancelled":
            await cancelled(asyncio.create_task(anext(answer)))
        if ending != "closed":
            await asked.close()
        with contextlib.suppress(errors.ChatError, StopAsyncIteration):
            while True:
                await anext(answer)

    run(call())


# where nobody answers


@pytest.mark.parametrize("stage", ["handshake", "tunnel", "tunnel by TLS", "TLS in the tunnel"])
@pytest.mark.parametrize("ends", ["in time", "cancelled"])
def test_silence_on_the_way_ends_in_time_and_leaves_nothing(
    run: Callable[..., Any], stage: str, ends: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    if ends == "in time":
        monkeypatch.setattr(pool, "CONNECT_TIMEOUT", 0.05)

    async def call(host: str) -> None:
        asked = client(host)
        task = asyncio.create_task(asked.ainvoke("hi"))
        if ends == "in time":
            with pytest.raises(errors.UnreachableError, match="no connection in time"):
                await task
        else:
            await asyncio.sleep(0.03)
            assert await cancelled(task)
        await asked.close()

    with deaf() as address:
        if stage == "TLS in the tunnel":
            tunnel = Tunnel()
            monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
            run(call(f"https://{address}"))
            tunnel.close()
            return
        if stage != "handshake":
            monkeypatch.setenv("HTTPS_PROXY", f"http{'s' if stage == 'tunnel by TLS' else ''}://{address}")
        run(call(f"https://{address}"))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="head"),
        pytest.param(ANSWER[:-3], id="body"),
        pytest.param(STREAM + b"\r\n" + sse(delta("x")), id="stream"),
    ],
)
def test_silence_of_the_workspace_ends_in_time_or_when_cancelled(
    run: Callable[..., Any], server: RawServer, answer: bytes
) -> None:
    server.answers = [lambda connection: (connection.sendall(answer), silent(connection))]

    async def call() -> None:
        async with client(server.host, timeout=0.05) as asked:
            with pytest.raises(errors.CallTimeoutError):
                await streamed(asked)
        async with client(server.host) as asked:
            task = asyncio.create_task(streamed(asked))
            await asyncio.sleep(0.02)
            assert await cancelled(task)

    run(call())


def test_the_end_of_a_transfer_is_not_waited_for_and_may_be_cancelled(
    run: Callable[..., Any], server: RawServer
) -> None:
    head = WHOLE.removesuffix(b"0\r\n\r\n")
    server.answers = [lambda connection: (connection.sendall(head), silent(connection))]

    async def call() -> None:
        asked = client(server.host)
        task = asyncio.create_task(streamed(asked))
        await asyncio.sleep(0.05)
        assert await cancelled(task)
        transport = asked._driver.transport
        [here] = transport._loops.values()  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)
        assert [each._open for each in here.pools.values()] == [set()]  # no connection that nobody will close
        await asked.close()

    run(call())


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_drips_in_after_the_end_of_an_answer_is_not_waited_for(
    server: RawServer, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (client_pool, loop_transport):
        monkeypatch.setattr(module, "DRAIN_SECONDS", 0.05)

    def drip(connection: socket.socket) -> None:
        connection.sendall(WHOLE.removesuffix(b"0\r\n\r\n"))
        while True:
            connection.sendall(b"2\r\n\n\n\r\n")
            time.sleep(0.005)

    server.answers = [drip]
    began = time.perf_counter()
    if kind == "sync":
        with ChatClient("e", host=server.host, token=TOKEN, timeout=30.0) as asked:
            assert "".join(chunk.text for chunk in asked.stream("hi")) == "hello"
    else:
        assert asyncio.run(streamed(client(server.host, timeout=30.0))) == "hello"
    assert time.perf_counter() - began < 10


def test_deadlines_are_kept_when_long_and_short_ones_take_turns(run: Callable[..., Any], server: RawServer) -> None:
    async def call() -> list[float]:
        took = []
        async with client(server.host) as asked:
            for _ in range(3):
                server.answers = [ANSWER]
                await asked.ainvoke("hi", timeout=50)
                server.answers = [silent]
                began = time.perf_counter()
                with pytest.raises(errors.CallTimeoutError, match=r"0\.04 s"):
                    await asked.ainvoke("hi", timeout=0.04)
                took.append(time.perf_counter() - began)
                server.answers = [lambda connection: (time.sleep(0.06), connection.sendall(ANSWER))]
                await asked.ainvoke("hi", timeout=0.03 + 5)  # on a connection of its own, with a timer of its own
        return took

    assert all(0.039 <= each < 2 for each in run(call()))


def test_an_answer_that_came_while_the_loop_was_blocked_is_in_time(run: Callable[..., Any], server: RawServer) -> None:
    async def call() -> str:
        async with client(server.host) as asked:
            await asked.ainvoke("hi")
            task = asyncio.create_task(asked.ainvoke("hi", timeout=0.05))
            for _ in range(5):
                await asyncio.sleep(0)
            time.sleep(0.1)  # noqa: ASYNC251 - what applications do
            return str(await task)

    assert run(call()) == "hello"


# what is kept


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n", id="an answer"),
        pytest.param(b"garbage", id="garbage"),
    ],
)
@pytest.mark.parametrize("when", ["with the answer", "while idle"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_was_not_asked_for_is_nobodys_answer(server: RawServer, more: bytes, when: str, kind: str) -> None:
    def later(connection: socket.socket) -> None:
        connection.sendall(ANSWER)
        time.sleep(0.02)
        connection.sendall(more)

    server.answers = [ANSWER + more if when == "with the answer" else later]
    if kind == "sync":
        with ChatClient("e", host=server.host, token=TOKEN, max_retries=0) as asked:
            for _ in range(3):
                assert str(asked.invoke("hi")) == "hello"
                time.sleep(0.04)
    else:

        async def call() -> None:
            async with client(server.host) as asked:
                for _ in range(3):
                    assert str(await asked.ainvoke("hi")) == "hello"
                    await asyncio.sleep(0.04)

        asyncio.run(call())
    assert server.connections == 3


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_refusal_of_a_request_that_is_not_taken_whole_is_heard(kind: str) -> None:
    refusal = fixed(b'{"error_code": "TOO_LARGE", "message": "too much"}', status="413 Too Large")
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(refusal)
        connection.shutdown(socket.SHUT_WR)
        time.sleep(0.05)
        connection.close()

    threading.Thread(target=refuse, daemon=True).start()
    host = f"http://127.0.0.1:{listener.getsockname()[1]}"
    prompt = "x" * 8_000_000

    def ask() -> None:
        if kind == "sync":
            with ChatClient("e", host=host, token=TOKEN, max_retries=0, timeout=5.0) as asked:
                asked.invoke(prompt)
        else:
            asyncio.run(client(host).ainvoke(prompt))

    with listener, pytest.raises(errors.RefusedError, match="too much"):
        ask()


def test_a_burst_is_not_kept_for_ever(server: RawServer) -> None:
    async def call() -> int:
        async with client(server.host) as asked:
            await asyncio.gather(*(asked.ainvoke("hi") for _ in range(60)))
            [here] = asked._driver.transport._loops.values()  # type: ignore[attr-defined]
            [connections] = here.pools.values()
            for each in connections._idle:
                each.idle_since -= 61
            for _ in range(60):
                await asked.ainvoke("hi")
            return len(connections._open)

    assert asyncio.run(call()) == 1


# loops


def test_a_client_that_nobody_closes_goes_with_its_loop(run: Callable[..., Any], server: RawServer) -> None:
    kept = client(server.host)

    async def call(asked: AsyncChatClient) -> None:
        assert str(await asked.ainvoke("hi")) == "hello"

    for asked in (kept, kept, client(server.host)):
        run(call(asked))


def test_one_client_in_the_loops_of_many_threads(server: RawServer) -> None:
    asked = client(server.host)
    said: list[str] = []

    async def call() -> None:
        said.extend(map(str, await asyncio.gather(*(asked.ainvoke("hi") for _ in range(5)))))

    threads = [threading.Thread(target=lambda: [asyncio.run(call()) for _ in range(5)]) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert said == ["hello"] * 100


def test_a_client_that_is_dropped_closes_its_connections(run: Callable[..., Any], server: RawServer) -> None:
    gone = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(ANSWER)
        connection.recv(1)
        gone.set()

    server.answers = [answer]

    async def call() -> bool:
        await client(server.host).ainvoke("hi")
        gc.collect()
        return await asyncio.to_thread(gone.wait, 5)

    assert run(call())
