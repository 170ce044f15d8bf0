"""Bedrock's client as this workspace needs it: AWS' own, which blocks, behind threads; its requests leave unsigned.

any-llm reads a Bedrock stream by blocking the event loop that it is called from. So each call gets a thread with an
event loop of its own, and what the client writes comes back to the workspace's loop to be signed and sent.
"""

from __future__ import annotations

import asyncio
import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from any_llm.providers.bedrock import BedrockProvider
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.session import Session

from local_workspace.upstreams.translated.exchange import PLACEHOLDER_HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping

    import aiohttp

    from local_workspace.upstreams.translated.exchange import Exchange

_MOST_CALLS = 64
_ANY_REGION = "us-east-1"  # the host and the signature are the exchange's
_NOTHING_OF_THE_MACHINE = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
_END = object()

_under_way: ContextVar[_Bridge] = ContextVar("_under_way")


class BedrockCalls:
    """Calls Bedrock; keeps one client, which knows no key."""

    def __init__(self) -> None:
        self._client = Session(session_vars=_NOTHING_OF_THE_MACHINE).create_client(
            "bedrock-runtime",
            region_name=_ANY_REGION,
            endpoint_url=PLACEHOLDER_HOST,
            config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}, parameter_validation=False),
        )
        self._client.meta.events.register("before-send.bedrock-runtime", _send)
        self._threads = ThreadPoolExecutor(_MOST_CALLS, thread_name_prefix="bedrock")

    async def complete(self, request: Mapping[str, Any], exchange: Exchange) -> Any:  # noqa: ANN401 - any-llm's types
        """Return a completion, or an iterator of its chunks."""
        return await self._run(
            exchange, lambda provider: provider.acompletion(**request), tool=_demanded_tool(request.get("tool_choice"))
        )

    async def embed(self, request: Mapping[str, Any], exchange: Exchange) -> Any:  # noqa: ANN401 - any-llm's types
        """Return embeddings."""
        return await self._run(exchange, lambda provider: provider.aembedding(**request))

    async def aclose(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(
        self, exchange: Exchange, ask: Callable[[Any], Coroutine[Any, Any, Any]], *, tool: str | None = None
    ) -> Any:  # noqa: ANN401 - any-llm's types
        """Ask in a thread; its first report is the answer, or says that chunks follow."""
        loop = asyncio.get_running_loop()
        reports: asyncio.Queue[object] = asyncio.Queue()
        bridge = _Bridge(exchange, loop)
        provider = BedrockProvider(client=_Converse(self._client, bridge, tool=tool), unified_exceptions=True)

        def tell(report: object) -> None:
            loop.call_soon_threadsafe(reports.put_nowait, report)

        self._threads.submit(lambda: asyncio.run(_report(ask(provider), tell)))
        try:
            first = await reports.get()
        except asyncio.CancelledError:
            bridge.close()
            raise
        if isinstance(first, Exception):
            raise first
        return _chunks(reports, bridge) if first is _CHUNKS_FOLLOW else first


_CHUNKS_FOLLOW = object()


async def _report(asking: Coroutine[Any, Any, Any], tell: Callable[[object], None]) -> None:
    try:
        answer = await asking
        if not hasattr(answer, "__aiter__"):
            tell(answer)
            return
        tell(_CHUNKS_FOLLOW)
        async for chunk in answer:
            tell(chunk)
        tell(_END)
    except Exception as error:  # noqa: BLE001 - the thread's boundary: whoever waits must hear of every end
        tell(error)


async def _chunks(reports: asyncio.Queue[object], bridge: _Bridge) -> AsyncIterator[Any]:
    try:
        while (report := await reports.get()) is not _END:
            if isinstance(report, Exception):
                raise report
            yield report
    finally:
        bridge.close()


class _Bridge:
    """From a thread back to the loop that sends."""

    def __init__(self, exchange: Exchange, loop: asyncio.AbstractEventLoop) -> None:
        self._exchange = exchange
        self._loop = loop
        self._reached: aiohttp.ClientResponse | None = None

    def send(self, target: str, *, headers: Mapping[str, str], body: bytes) -> AWSResponse:
        reached = self._reached = self._wait(self._exchange.send(target, headers=headers, body=body))
        return AWSResponse(PLACEHOLDER_HOST, reached.status, dict(reached.headers), _Raw(self._read))

    def close(self) -> None:
        """Called in the loop: whatever the thread still reads ends."""
        if self._reached is not None:
            self._reached.close()

    def _read(self) -> bytes:
        return b"" if self._reached is None else self._wait(self._reached.content.readany())

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - what the work gives
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class _Raw:
    """An answer's body, as botocore reads it."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read

    def stream(self, _size: int = 0, **_: object) -> Iterator[bytes]:
        while chunk := self._read():
            yield chunk

    def read(self, _size: int | None = None) -> bytes:
        return b"".join(self.stream())

    def close(self) -> None:
        """The bridge closes."""


class _Converse:
    """The kept client for one call: what it sends leaves by the call's bridge, with what any-llm leaves out."""

    def __init__(self, client: Any, bridge: _Bridge, *, tool: str | None) -> None:  # noqa: ANN401 - botocore makes its clients' classes
        self._client = client
        self._bridge = bridge
        self._tool = tool

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:  # noqa: ANN401 - as above
            mark = _under_way.set(self._bridge)
            try:
                return getattr(self._client, operation)(**self._corrected(parameters))
            finally:
                _under_way.reset(mark)

        return call

    def _corrected(self, parameters: dict[str, Any]) -> dict[str, Any]:
        if self._tool is not None and "toolConfig" in parameters:
            parameters["toolConfig"]["toolChoice"] = {"tool": {"name": self._tool}}
        blocks = [block for message in parameters.get("messages", ()) for block in message["content"]]
        for part in (part for block in blocks for part in block.get("toolResult", {}).get("content", ())):
            if "json" in part and not isinstance(part["json"], dict):  # Converse takes objects alone
                part["text"] = json.dumps(part.pop("json"), ensure_ascii=False)
        return parameters


def _demanded_tool(choice: object) -> str | None:
    match choice:
        case {"type": "function", "function": {"name": str(name)}}:
            return name
        case _:
            return None


def _send(request: Any, **_: object) -> AWSResponse:  # noqa: ANN401 - botocore has no types
    """Answer botocore before it opens a connection."""
    parts = urlsplit(request.url)
    headers = {
        name.lower(): value if isinstance(value, str) else value.decode() for name, value in request.headers.items()
    }
    body = request.body.encode() if isinstance(request.body, str) else bytes(request.body or b"")
    return _under_way.get().send(parts.path, headers=headers, body=body)
