"""`AsyncChatClient`: the core's flows, driven without blocking the event loop."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Self

from chat.aio.driver import Driver
from chat.aio.transport import AsyncTransport, LoopTransport
from chat.auth import Credentials
from chat.flow import AwaitReady, Caller, Endpoints, Flow, Options, Patience, endpoints_of
from chat.messages import Answer, Chunk, Embeddings, Prompt
from chat.tracing import traced
from chat.wire import MAX_BYTES

if TYPE_CHECKING:
    from chat.auth import Config, WorkspaceClient
    from chat.wire import Token
    from provisioning.readiness import Readiness


class AsyncChatClient:
    """A client of one serving endpoint for asyncio.

        async with AsyncChatClient("my-chat", wait=60) as client:
            answers = await asyncio.gather(*(client.ainvoke(question) for question in questions))
            async for chunk in client.astream("Hi"):
                print(chunk, end="")

    It works in any event loop, also in one after the other; the connections of a loop are closed with it.

    Arguments as those of `ChatClient`; `sleep` is awaited.
    """

    def __init__(
        self,
        endpoint: Endpoints,
        *,
        host: str | None = None,
        token: Token | None = None,
        workspace_client: WorkspaceClient | Config | None = None,
        wait: float = 0.0,
        timeout: float = 300.0,
        retry_for: float = 60.0,
        max_retries: int | None = None,
        resume: bool = False,
        max_bytes: int = MAX_BYTES,
        headers: Mapping[str, str] | None = None,
        use_responses_api: bool = False,
        on_poll: Callable[[Readiness, float], None] | None = None,
        on_pause: Callable[[str, float], None] | None = None,
        transport: AsyncTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._caller = Caller(
            endpoints_of(endpoint),
            Patience(wait, timeout, retry_for, max_retries, resume, max_bytes),
            headers or {},
            clock,
            trace=traced,
            use_responses_api=use_responses_api,
        )
        credentials = Credentials(host, token, workspace_client=workspace_client, clock=clock)
        self._driver = Driver(transport or LoopTransport(), credentials, clock, sleep, on_poll, on_pause)

    async def ainvoke(
        self,
        prompt: Prompt,
        *,
        wait: float | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - seconds of silence, not of the whole call
        headers: Mapping[str, str] | None = None,
        token: Token | None = None,
        endpoint: Endpoints | None = None,
        **params: object,
    ) -> Answer:
        """Ask, and return the whole answer; arguments and errors as `ChatClient.invoke`."""
        options = Options(endpoint, wait, timeout, headers, token)
        return await self._driver.run(self._caller.chat(prompt, params, stream=False, options=options))

    def astream(
        self,
        prompt: Prompt,
        *,
        wait: float | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        token: Token | None = None,
        endpoint: Endpoints | None = None,
        resume: bool | None = None,
        **params: object,
    ) -> AsyncChatStream:
        """Ask, and iterate over the answer's chunks as they come; arguments and errors as `ChatClient.stream`."""
        options = Options(endpoint, wait, timeout, headers, token, resume)
        return AsyncChatStream(self._driver, self._caller.chat(prompt, params, stream=True, options=options))

    async def aembed(
        self,
        texts: Sequence[str],
        *,
        wait: float | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - silence to bear, not a deadline that the caller could set
        headers: Mapping[str, str] | None = None,
        token: Token | None = None,
        endpoint: Endpoints | None = None,
        **params: object,
    ) -> Embeddings:
        """Embed texts in one request; arguments and errors as `ChatClient.embed`."""
        options = Options(endpoint, wait, timeout, headers, token)
        return await self._driver.run(self._caller.embed(texts, params, options=options))

    async def wait_until_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as the sync client
        """Wait until the (first) endpoint is ready to answer; arguments and errors as `ChatClient.wait_until_ready`."""
        seconds = timeout if timeout is not None else self._caller.patience.wait or 300.0
        await self._driver.wait(AwaitReady(self._caller.endpoints[0], seconds, thorough=True))

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        await self._driver.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()


class AsyncChatStream(AsyncIterator[Chunk]):
    """An answer on its way: iterate over its chunks, then look at `answer`.

    Args:
        driver: carries out the call.
        flow: the call.
    """

    def __init__(self, driver: Driver, flow: Flow[Answer]) -> None:
        self._deliveries = driver.deliver(flow, self._keep)
        self._waiting: deque[Chunk] = deque()
        self._answer: Answer | None = None

    async def __anext__(self) -> Chunk:
        while not self._waiting:
            self._waiting.extend(await anext(self._deliveries))
        return self._waiting.popleft()

    @property
    def answer(self) -> Answer | None:
        """The whole answer, once the stream is over; None until then."""
        return self._answer

    async def aclose(self) -> None:
        """Cancel the call, if it is still going on."""
        await self._deliveries.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.aclose()

    def _keep(self, answer: Answer) -> None:
        self._answer = answer
