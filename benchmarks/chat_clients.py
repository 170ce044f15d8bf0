"""What a call, a streamed chunk and an import cost: `chat` beside the clients in use today.

    python benchmarks/chat_clients.py [--rounds N] [--json FILE] [--skip-imports]

The server is a bare ASGI application in a process of its own, so that what is measured is the clients. Rounds are
interleaved (each client once, then all again), since a shared machine's speed drifts; medians are compared, and the
extremes are shown beside them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import aiohttp  # noqa: E402 - after the path
import uvicorn  # noqa: E402 - as above

from chat import AsyncChatClient, ChatClient, ChatDatabricks  # noqa: E402 - as above

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

ENDPOINT = "bench"
TOKEN = "dapi-benchmark"  # noqa: S105 - no secret
CALLS = 200
CHUNKS = 1000
CONCURRENT = (64, 256, 512)
_TEXT = "The quick brown fox jumps over the lazy dog. " * 4
_ANSWER = json.dumps({
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 40, "total_tokens": 50},
}).encode()  # fmt: skip


def _event(delta: dict[str, object], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    told = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", "choices": [choice]}
    return b"data: " + json.dumps(told).encode() + b"\n\n"


_STREAM = _event({"content": " word"}) * (CHUNKS - 1) + _event({}, "stop") + b"data: [DONE]\n\n"
_PIECE = 1 << 14


async def _serve_one(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:  # noqa: ANN401 - ASGI
    """Answer at once: a stream to those who ask for one, else a whole answer."""
    if scope["type"] != "http":
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    asked = json.loads(body or b"{}")
    if asked.get("stream"):
        await send(_head(b"text/event-stream"))
        for start in range(0, len(_STREAM), _PIECE):
            await send({"type": "http.response.body", "body": _STREAM[start : start + _PIECE], "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    await send(_head(b"application/json", (b"content-length", str(len(_ANSWER)).encode())))
    await send({"type": "http.response.body", "body": _ANSWER})


def _head(kind: bytes, *more: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind), *more]}


def serve() -> None:
    """Serve until the parent goes away."""
    config = uvicorn.Config(_serve_one, port=0, log_level="critical", lifespan="off", timeout_keep_alive=600)
    sock = config.bind_socket()
    sock.listen(2048)
    print(sock.getsockname()[1], flush=True)
    uvicorn.Server(config).run(sockets=[sock])


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Run the server in a process of its own, and yield its address."""
    child = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        if child.stdout is None:
            raise AssertionError("its stdout is a pipe")
        yield f"http://127.0.0.1:{child.stdout.readline().strip()}"
    finally:
        child.terminate()
        child.wait(10)


@dataclass
class Case:
    """One client doing one thing.

    Attributes:
        name: which client.
        run: does it once and returns how many units it did.
        samples: seconds a unit, one a round.
    """

    name: str
    run: Callable[[], int]
    samples: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """Do it once more."""
        started = time.perf_counter()
        units = self.run()
        self.samples.append((time.perf_counter() - started) / units)

    @property
    def median(self) -> float:
        """Seconds a unit."""
        return statistics.median(self.samples)


@dataclass
class Table:
    """Clients doing the same thing; the first is what the others are measured against."""

    title: str
    cases: list[Case]

    def measure(self, rounds: int) -> None:
        """Let each do it once to warm up, then in turn for so many rounds."""
        for case in self.cases:
            case.run()
        for _ in range(rounds):
            for case in self.cases:
                case.measure()

    def show(self) -> None:
        """Print medians, extremes and the ratio to the first."""
        print(f"\n{self.title}")
        print(f"  {'':38}{'median µs':>11}{'min':>9}{'max':>9}{'times':>8}")
        base = self.cases[0].median
        for case in self.cases:
            low, high = min(case.samples) * 1e6, max(case.samples) * 1e6
            print(f"  {case.name:38}{case.median * 1e6:11.1f}{low:9.1f}{high:9.1f}{case.median / base:8.2f}")

    def as_json(self) -> dict[str, object]:
        """Write the samples, in microseconds a unit."""
        return {case.name: [round(sample * 1e6, 2) for sample in case.samples] for case in self.cases}


def tables(host: str, loop: asyncio.Runner) -> tuple[list[Table], Callable[[], Coroutine[Any, Any, None]]]:
    """Set up every comparison; return it with what closes its sessions."""
    client = ChatClient(ENDPOINT, host=host, token=TOKEN)
    aclient = AsyncChatClient(ENDPOINT, host=host, token=TOKEN)
    model = ChatDatabricks(endpoint=ENDPOINT, host=host, token=TOKEN)
    theirs = _theirs(host)
    bare = _Bare(host)
    langchain_calls = [Case("chat.ChatDatabricks", lambda: _many(lambda: model.invoke("hi")))]
    langchain_streams = [Case("chat.ChatDatabricks", lambda: _count(model.stream("hi")))]
    langchain_async = [Case("chat.ChatDatabricks", lambda: loop.run(_gather(lambda: model.ainvoke("hi"), 64)))]
    if theirs is not None:
        langchain_calls.append(Case("databricks_langchain.ChatDatabricks", lambda: _many(lambda: theirs.invoke("hi"))))
        langchain_streams.append(Case("databricks_langchain.ChatDatabricks", lambda: _count(theirs.stream("hi"))))
        langchain_async.append(
            Case("databricks_langchain.ChatDatabricks", lambda: loop.run(_gather(lambda: theirs.ainvoke("hi"), 64)))
        )
    compared = [
        Table(
            "one call after the other, a call",
            [
                Case("http.client, kept alive", lambda: _many(bare.call)),
                Case("chat.ChatClient.invoke", lambda: _many(lambda: client.invoke("hi"))),
            ],
        ),
        Table("LangChain invoke, a call", langchain_calls),
        Table(
            f"a stream of {CHUNKS} chunks, a chunk",
            [
                Case("http.client and json", bare.stream),
                Case("chat.ChatClient.stream", lambda: _count(client.stream("hi"))),
            ],
        ),
        Table("LangChain stream, a chunk", langchain_streams),
        *(
            Table(
                f"{many} calls at once, a call",
                [
                    Case("aiohttp and json", lambda many=many: loop.run(bare.gather(many))),  # type: ignore[misc]  # bound now
                    Case(
                        "chat.AsyncChatClient.ainvoke",
                        lambda many=many: loop.run(_gather(lambda: aclient.ainvoke("hi"), many)),  # type: ignore[misc]  # as above
                    ),
                ],
            )
            for many in CONCURRENT
        ),
        Table("LangChain ainvoke, 64 at once, a call", langchain_async),
    ]

    async def close() -> None:
        await bare.close()
        await aclient.close()
        await model.async_client.close()

    return compared, close


class _Bare:
    """What the same work costs without any client: the request's bytes and the answer's JSON."""

    def __init__(self, host: str) -> None:
        self._url = f"{host}/serving-endpoints/{ENDPOINT}/invocations"
        self._path = urlsplit(self._url).path
        self._headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection(urlsplit(host).netloc)
        self._session: aiohttp.ClientSession | None = None

    def call(self) -> object:
        body = json.dumps({"messages": [{"role": "user", "content": "hi"}]}).encode()
        self._connection.request("POST", self._path, body, self._headers)
        return json.loads(self._connection.getresponse().read())["choices"][0]["message"]["content"]

    def stream(self) -> int:
        body = json.dumps({"messages": [{"role": "user", "content": "hi"}], "stream": True}).encode()
        self._connection.request("POST", self._path, body, self._headers)
        chunks = 0
        for line in self._connection.getresponse():
            if line.startswith(b"data: {"):
                json.loads(line[6:])
                chunks += 1
        return chunks

    async def gather(self, many: int) -> int:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return await _gather(self._acall, many)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _acall(self) -> object:
        if self._session is None:
            raise AssertionError("gather opens it")
        body = json.dumps({"messages": [{"role": "user", "content": "hi"}]}).encode()
        async with self._session.post(self._url, data=body, headers=self._headers) as response:
            return json.loads(await response.read())["choices"][0]["message"]["content"]


def _theirs(host: str) -> Any:  # noqa: ANN401 - a class that may not be installed
    if importlib.util.find_spec("databricks_langchain") is None:
        print("databricks-langchain is not installed: shown without it")
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from databricks.sdk import WorkspaceClient  # noqa: PLC0415 - only where it is installed
        from databricks_langchain import ChatDatabricks as Theirs  # noqa: PLC0415 - as above

        return Theirs(endpoint=ENDPOINT, workspace_client=WorkspaceClient(host=host, token=TOKEN))


def _many(call: Callable[[], object]) -> int:
    for _ in range(CALLS):
        call()
    return CALLS


def _count(stream: Iterator[object]) -> int:
    return sum(1 for _ in stream)


async def _gather(call: Callable[[], Awaitable[object]], many: int) -> int:
    times = max(2, CALLS // many)
    for _ in range(times):
        await asyncio.gather(*(call() for _ in range(many)))
    return times * many


IMPORTS = {
    "bare python": "",
    "chat.ChatClient": "from chat import ChatClient; ChatClient('e')",
    "langchain_core BaseChatModel": "from langchain_core.language_models import BaseChatModel",
    "chat.ChatDatabricks": "from chat import ChatDatabricks; ChatDatabricks(endpoint='e')",
    "databricks_langchain.ChatDatabricks": "from databricks_langchain import ChatDatabricks",
}


def imports(rounds: int) -> Table:
    """Compare what a fresh interpreter pays, bytecode compiled beforehand."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment |= {
            "PYTHONPYCACHEPREFIX": cache,
            "PYTHONWARNINGS": "ignore",
            "DATABRICKS_HOST": "http://127.0.0.1:1",
            "DATABRICKS_TOKEN": TOKEN,
        }

        def start(statement: str) -> int:
            subprocess.run([sys.executable, "-c", statement], check=True, env=environment, cwd=ROOT)
            return 1

        installed = {
            name: statement
            for name, statement in IMPORTS.items()
            if "databricks_langchain" not in statement or importlib.util.find_spec("databricks_langchain")
        }
        table = Table(
            "a fresh interpreter that imports it",
            [
                Case(name, lambda statement=statement: start(statement))  # type: ignore[misc]  # bound now
                for name, statement in installed.items()
            ],
        )
        table.measure(rounds)
    return table


def main() -> None:
    """Measure, print, and write the samples."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=9, help="how often each client is measured (default 9)")
    parser.add_argument("--json", type=Path, help="write the samples to this file")
    parser.add_argument("--skip-imports", action="store_true", help="leave out the import times")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return
    with server() as host, asyncio.Runner() as loop:
        compared, close = tables(host, loop)
        for table in compared:
            table.measure(arguments.rounds)
            table.show()
        loop.run(close())
    if not arguments.skip_imports:
        compared.append(imports(max(3, arguments.rounds // 2)))
        compared[-1].show()
    if arguments.json is not None:
        told = {"machine": machine(), "microseconds": {table.title: table.as_json() for table in compared}}
        arguments.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def machine() -> dict[str, object]:
    """Say where this was measured, and with which versions."""
    versions = {}
    for name in ("aiohttp", "langchain-core", "databricks-langchain", "databricks-openai", "openai"):
        with contextlib.suppress(PackageNotFoundError):
            versions[name] = version(name)
    return {"python": platform.python_version(), "cpus": os.cpu_count(), "load": os.getloadavg()[0], **versions}


if __name__ == "__main__":
    main()
