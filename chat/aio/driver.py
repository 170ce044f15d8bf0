"""Carries out a flow's steps without blocking the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar, assert_never

from chat.errors import ChatError
from chat.flow import Authorize, AwaitReady, Deliver, Enter, Flow, Pause, Receive, Running, Send, awaiting, read_state
from chat.limiting import LIMITERS, Place, no_place

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from chat.aio.transport import AsyncBody, AsyncTransport
    from chat.auth import Credentials
    from chat.limiting import Limiter
    from chat.messages import Chunk
    from provisioning.readiness import Readiness

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Driver:
    """The asynchronous driver of flows.

    Attributes:
        transport: sends the requests.
        credentials: say where to, and as whom.
        clock: a monotonic clock, in seconds.
        sleep: pauses for so many seconds.
        on_poll: called while waiting for an endpoint.
        on_pause: called before a pause, with its reason and its seconds.
    """

    transport: AsyncTransport
    credentials: Credentials
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    on_poll: Callable[[Readiness, float], None] | None = None
    on_pause: Callable[[str, float], None] | None = None

    async def run(self, flow: Flow[T]) -> T:
        """Carry out a flow whose chunks nobody consumes."""
        exchange = _Exchange(self, flow)
        try:
            while await exchange.advance() is not None:
                pass
        finally:
            await exchange.end()
        return exchange.result

    async def deliver(self, flow: Flow[T], keep: Callable[[T], None]) -> AsyncGenerator[list[Chunk], None]:
        """Carry out a flow, yielding the chunks that it delivers.

        Closing the generator, or cancelling the task, cancels the call.

        Args:
            flow: which.
            keep: called with what the flow returns.
        """
        exchange = _Exchange(self, flow)
        try:
            while (chunks := await exchange.advance()) is not None:
                yield chunks
        finally:
            await exchange.end()
        keep(exchange.result)

    async def wait(self, step: AwaitReady) -> None:
        """Wait until an endpoint is ready.

        Raises:
            ReadinessError: it is not ready in time, has failed or does not exist.
        """
        with awaiting(step.endpoint):
            from provisioning.readiness import wait_until_ready_async  # noqa: PLC0415 - loaded when somebody waits

            await wait_until_ready_async(
                lambda: self.run(read_state(step.endpoint, learn=step.learn, thorough=step.thorough)),
                step.endpoint.name,
                timeout=step.seconds,
                on_poll=self.on_poll,
                clock=self.clock,
                sleep=self.sleep,
            )


class _Exchange(Generic[T]):
    """One flow, and the body that is still open of it."""

    def __init__(self, driver: Driver, flow: Flow[T]) -> None:
        self._driver = driver
        self._running = Running(flow)
        self._body: AsyncBody | None = None

    @property
    def result(self) -> T:
        return self._running.result

    async def advance(self) -> list[Chunk] | None:
        """Carry out steps until there are chunks to deliver, or None when the flow is over."""
        result: object = None
        failure: ChatError | None = None
        while (step := self._running.proceed(result, failure)) is not None:
            if isinstance(step, Deliver):
                return step.chunks
            result = failure = None
            try:
                result = await self._carry_out(step)
            except ChatError as error:
                failure = error
        await self.close(reuse=True)
        return None

    async def end(self) -> None:
        self._running.close()
        await self.close()

    async def close(self, *, reuse: bool = False) -> None:
        if self._body is not None:
            body, self._body = self._body, None
            await body.close(reuse=reuse)

    async def _carry_out(self, step: AwaitReady | Authorize | Enter | Send | Receive | Pause) -> object:
        driver = self._driver
        match step:
            case Send():
                await self.close()
                response, self._body = await driver.transport.send(step.request)
                return response
            case Receive():
                return await self._body.receive() if self._body is not None else b""
            case Authorize():
                return await self._authorized(step)
            case Enter():
                return await self._entered(step)
            case Pause():
                if driver.on_pause is not None:
                    driver.on_pause(step.reason, step.seconds)
                await driver.sleep(step.seconds)
            case AwaitReady():
                await driver.wait(step)
            case _:
                assert_never(step)
        return None

    async def _authorized(self, step: Authorize) -> object:
        credentials, endpoint = self._driver.credentials, step.endpoint
        access = partial(credentials.access, endpoint.host, endpoint.token, route=step.route, refused=step.refused)
        if step.refused is not None or credentials.blocks(endpoint.host, endpoint.token, route=step.route):
            # A login may take seconds; on the event loop it would stop every other call.
            return await asyncio.to_thread(access)
        return access()

    async def _entered(self, step: Enter) -> Place:
        limiter = LIMITERS.of(self._driver.clock, step.access.host, step.endpoint, step.access.credential)
        return limiter.enter_at_once() or await self._admitted(step, limiter)

    async def _admitted(self, step: Enter, limiter: Limiter) -> Place:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()

        def take() -> None:
            if not turn.done():
                turn.set_result(None)

        def wake() -> bool:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(take)
                return True
            return False

        place = limiter.enter(wake)
        if place.taken:
            return place
        try:
            await asyncio.wait_for(turn, step.seconds)
        except TimeoutError as error:
            place.leave()
            raise no_place(step.endpoint, step.seconds, limiter) from error
        except BaseException:
            place.leave()
            raise
        return place
