"""One call from first to last: attempts, endpoints to fall back to, and the stream's reception."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, cast

from chat.errors import (
    BadRequestError,
    CallTimeoutError,
    ChatWarning,
    ConnectionFailedError,
    NotFoundError,
    RateLimitedError,
    UnauthenticatedError,
)
from chat.flow.reception import Reception
from chat.flow.retry import FIRST_CONTACT, PASSING, Attempts, Memory
from chat.flow.steps import Authorize, AwaitReady, Deliver, Endpoint, Flow, Pause, Receive, Send, T
from chat.messages import Answer, Chunk, ToolCallDelta
from chat.wire import (
    HEADERS,
    INVOCATIONS,
    STREAM_HEADERS,
    Access,
    Dialect,
    Request,
    Response,
    encode,
    refusal,
    refused_parameters,
    without,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FIRST_ERROR = 400

# What makes a call try the next endpoint: this one is away, missing, throttled, or does not answer.
_PASSED_OVER = (*PASSING, NotFoundError, CallTimeoutError)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """What to call, and how patiently.

    Attributes:
        endpoints: the one to call and those to fall back to, in order.
        body: the request's body.
        read: reads the result out of a whole response, given what is to be said of its origin.
        dialect: how the request is put.
        stream: whether to ask for an event stream.
        headers: further headers of the request.
        wait: seconds to wait for the endpoint to be ready; 0 does not look.
        timeout: seconds without a byte after which to give up.
        retry_for: seconds from the start after which no further attempt begins.
        max_retries: how many retries at most; None leaves it to `retry_for`.
    """

    endpoints: tuple[Endpoint, ...]
    body: Mapping[str, object]
    read: Callable[[Response, Mapping[str, object]], T]
    dialect: Dialect = INVOCATIONS
    stream: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    timeout: float = 300.0
    retry_for: float = 60.0
    max_retries: int | None = None


def complete(
    call: Call[T],
    remember: Callable[[Endpoint], Memory],
    *,
    clock: Callable[[], float],
    jitter: Callable[[], float],
) -> Flow[T]:
    """Make the call at the first of its endpoints that takes it.

    Args:
        call: what to call.
        remember: what is known of an endpoint.
        clock: a monotonic clock, in seconds.
        jitter: a random number from 0 to 1.
    """
    passed_over: dict[str, str] = {}
    *preferred, final = call.endpoints
    for endpoint in preferred:
        try:
            # With another endpoint at hand, an unavailable one is left at once instead of waited for: `wait` is for
            # the last, when no other is left.
            at_once = Attempts(deadline=clock(), contact_by=clock(), limit=0, clock=clock, jitter=jitter)
            return (yield from _on(endpoint, replace(call, wait=0.0), remember(endpoint), at_once, passed_over))
        except _PASSED_OVER as error:
            if error.partial is not None:
                raise
            passed_over[endpoint.name] = error.message
    # An endpoint scaled to zero is "ready" and answers 503 until it has started: `wait` covers that as well.
    patient = Attempts(
        deadline=clock() + max(call.retry_for, call.wait),
        contact_by=clock() + max(min(call.retry_for, FIRST_CONTACT), call.wait),
        limit=call.max_retries,
        clock=clock,
        jitter=jitter,
    )
    return (yield from _on(final, call, remember(final), patient, passed_over))


def _on(
    endpoint: Endpoint, call: Call[T], memory: Memory, attempts: Attempts, passed_over: Mapping[str, str]
) -> Flow[T]:
    """Attempt the call at one endpoint until it succeeds or has to be given up."""
    if call.wait and not memory.ready:
        yield AwaitReady(endpoint, call.wait)
        memory.ready = True
    origin = {"endpoint": endpoint.name, **({"fallback_from": dict(passed_over)} if passed_over else {})}
    refreshed = False
    access: Access = yield Authorize(endpoint)
    while True:
        if hold := attempts.pause_before(memory):
            yield Pause(hold, "another call was asked to wait")
        body = without(call.body, memory.refused)
        try:
            asked = replace(call, body=body) if body is not call.body else call
            return (yield from _attempt(endpoint, asked, access, memory=memory, attempts=attempts, origin=origin))
        except UnauthenticatedError:
            renewed: Access | None = None if refreshed else (yield Authorize(endpoint, refresh=True))
            if renewed is None:
                raise
            refreshed, access = True, renewed
        except BadRequestError as error:
            _drop(refused_parameters(error, body), error, memory, endpoint)
        except PASSING as error:
            pause = attempts.pause_after(error, memory)
            if pause is None:
                raise
            yield Pause(pause, error.message)


def _attempt(
    endpoint: Endpoint,
    call: Call[T],
    access: Access,
    *,
    memory: Memory,
    attempts: Attempts,
    origin: Mapping[str, object],
) -> Flow[T]:
    """Make one attempt, among as many at a time as the endpoint takes."""
    place = object()
    try:
        while pause := attempts.hold(place, memory):
            yield Pause(pause, f"{endpoint.name} takes {memory.limiter.limit:.0f} calls at a time")
        began = attempts.now
        try:
            response = yield from _sent(endpoint, call, access)
            memory.reached = True
            result = yield from _result(call, response, origin, access.credential)
        except RateLimitedError:
            memory.limiter.narrow(began=began, now=attempts.now)
            raise
    finally:
        memory.limiter.leave(place)
    memory.limiter.widen()
    return result


def _sent(endpoint: Endpoint, call: Call[T], access: Access) -> Flow[Response]:
    response: Response = yield Send(
        Request(
            method="POST",
            host=access.host,
            path=call.dialect.path(endpoint.name),
            headers={**(STREAM_HEADERS if call.stream else HEADERS), **access.headers, **call.headers},
            body=encode(call.dialect.write(endpoint.name, call.body)),
            timeout=call.timeout,
            stream=call.stream,
        )
    )
    if response.status >= _FIRST_ERROR:
        raise refusal(response.without(access.credential))
    return response


def _result(call: Call[T], response: Response, origin: Mapping[str, object], credential: str) -> Flow[T]:
    if response.body is not None:
        junk = "json" not in response.headers.get("content-type", "")
        result = call.read(response.without(credential) if junk else response, origin)
        if call.stream and isinstance(result, Answer):
            yield Deliver(_as_chunks(result))  # an endpoint that does not stream: its whole answer is one chunk
        return result
    reception = Reception(response, credential)
    while not reception.over:
        try:
            piece: bytes = yield Receive()
        except ConnectionFailedError as error:
            raise reception.cut() from error
        except CallTimeoutError as error:
            raise reception.stalled(error) from error
        chunks = reception.take(piece)
        if chunks:
            yield Deliver(chunks)
    return cast("T", reception.answer(origin))


def _drop(names: tuple[str, ...], error: BadRequestError, memory: Memory, endpoint: Endpoint) -> None:
    """Leave out what the model refuses, from now on; raise the refusal again if it names nothing to leave out."""
    if not names:
        raise error
    fresh = [name for name in names if name not in memory.refused]
    if not fresh:
        return  # a call at the same time has learnt it first
    memory.refused.update(fresh)
    text = (
        f"Endpoint {endpoint.name!r} refuses {', '.join(fresh)}; calls to it go without from now on. ({error.message})"
    )
    warnings.warn(text, ChatWarning, stacklevel=2)


def _as_chunks(answer: Answer) -> list[Chunk]:
    """Write a whole answer as the chunks of a stream."""
    pieces = [
        Chunk(
            text=choice.text,
            reasoning=choice.reasoning,
            content=tuple(choice.content) if isinstance(choice.content, list) else (),
            tool_calls=tuple(
                ToolCallDelta(place, each.id, each.name, each.arguments) for place, each in enumerate(choice.tool_calls)
            ),
            finish_reason=choice.finish_reason,
            logprobs=choice.logprobs,
            index=choice.index,
            id=answer.id,
            model=answer.model,
        )
        for choice in answer.choices
    ]
    return [*pieces, Chunk(usage=answer.usage, id=answer.id, model=answer.model, last=True)]
