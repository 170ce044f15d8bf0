"""Carries out a flow's steps, one after the other."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, assert_never

from chat.errors import ChatError
from chat.flow import Authorize, AwaitReady, Deliver, Enter, Flow, Pause, Receive, Running, Send, awaiting, read_state
from chat.limiting import LIMITERS, Place, no_place

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from chat.auth import Credentials
    from chat.client.transport import Body, Transport
    from chat.limiting import Limiter
    from chat.messages import Chunk
    from provisioning.readiness import Readiness

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Driver:
    """The synchronous driver of flows.

    Attributes:
        transport: sends the requests.
        credentials: say where to, and as whom.
        clock: a monotonic clock, in seconds.
        sleep: pauses for so many seconds.
        on_poll: called while waiting for an endpoint.
        on_pause: called before a pause, with its reason and its seconds.
    """

    transport: Transport
    credentials: Credentials
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    on_poll: Callable[[Readiness, float], None] | None = None
    on_pause: Callable[[str, float], None] | None = None

    def run(self, flow: Flow[T]) -> T:
        """Carry out a flow whose chunks nobody consumes."""
        exchange = _Exchange(self, flow)
        try:
            while exchange.advance() is not None:
                pass
        finally:
            exchange.end()
        return exchange.result

    def deliver(self, flow: Flow[T], keep: Callable[[T], None]) -> Generator[list[Chunk], None, None]:
        """Carry out a flow, yielding the chunks that it delivers; closing the generator cancels the call.

        Args:
            flow: which.
            keep: called with what the flow returns.
        """
        exchange = _Exchange(self, flow)
        try:
            while (chunks := exchange.advance()) is not None:
                yield chunks
        finally:
            exchange.end()
        keep(exchange.result)

    def wait(self, step: AwaitReady) -> None:
        """Wait until an endpoint is ready.

        Raises:
            ReadinessError: it is not ready in time, has failed or does not exist.
        """
        with awaiting(step.endpoint):
            from provisioning.readiness import wait_until_ready  # noqa: PLC0415 - loaded when somebody waits

            wait_until_ready(
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
        self._body: Body | None = None

    @property
    def result(self) -> T:
        return self._running.result

    def advance(self) -> list[Chunk] | None:
        """Carry out steps until there are chunks to deliver, or None when the flow is over."""
        result: object = None
        failure: ChatError | None = None
        while (step := self._running.proceed(result, failure)) is not None:
            if isinstance(step, Deliver):
                return step.chunks
            result = failure = None
            try:
                result = self._carry_out(step)
            except ChatError as error:
                failure = error
        self.close(reuse=True)
        return None

    def end(self) -> None:
        self._running.close()
        self.close()

    def close(self, *, reuse: bool = False) -> None:
        if self._body is not None:
            body, self._body = self._body, None
            body.close(reuse=reuse)

    def _carry_out(self, step: AwaitReady | Authorize | Enter | Send | Receive | Pause) -> object:
        driver = self._driver
        match step:
            case Send():
                self.close()
                response, self._body = driver.transport.send(step.request)
                return response
            case Receive():
                return self._body.receive() if self._body is not None else b""
            case Authorize():
                return driver.credentials.access(
                    step.endpoint.host, step.endpoint.token, route=step.route, refused=step.refused
                )
            case Enter():
                return self._entered(step)
            case Pause():
                if driver.on_pause is not None:
                    driver.on_pause(step.reason, step.seconds)
                driver.sleep(step.seconds)
            case AwaitReady():
                driver.wait(step)
            case _:
                assert_never(step)
        return None

    def _entered(self, step: Enter) -> Place:
        limiter = LIMITERS.of(self._driver.clock, step.access.host, step.endpoint, step.access.credential)
        return limiter.enter_at_once() or self._admitted(step, limiter)

    def _admitted(self, step: Enter, limiter: Limiter) -> Place:
        turn = threading.Event()

        def wake() -> bool:
            turn.set()
            return True

        place = limiter.enter(wake)
        if place.taken:
            return place
        come = False
        try:
            come = turn.wait(step.seconds)
        finally:
            if not come:
                place.leave()
        if not come:
            raise no_place(step.endpoint, step.seconds, limiter)
        return place
