"""One attempt of a call: the request, and its answer, whole or streamed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, cast

from chat.errors import CallTimeoutError, ChatError, ConnectionFailedError, RateLimitedError
from chat.flow.reception import Reception
from chat.flow.steps import Deliver, Endpoint, Enter, Flow, Place, Receive, Send, T
from chat.messages import Answer, Chunk, ToolCallDelta
from chat.wire import (
    HEADERS,
    INVOCATIONS,
    MAX_BYTES,
    STREAM_HEADERS,
    Access,
    Dialect,
    Request,
    Response,
    encode,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chat.flow.resumption import Unfinished
    from chat.flow.retry import Attempts, Memory

_FIRST_ERROR = 400


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
        timeout: seconds without a piece of the answer after which to give up.
        max_bytes: how large an answer, or one event of a stream, may be.
        retry_for: seconds from the start after which no further attempt begins.
        max_retries: how many retries at most; None leaves it to `retry_for`.
        resume: whether the rest of an answer is asked for when its stream breaks.
    """

    endpoints: tuple[Endpoint, ...]
    body: Mapping[str, object]
    read: Callable[[Response, Mapping[str, object]], T]
    dialect: Dialect = INVOCATIONS
    stream: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    timeout: float = 300.0
    max_bytes: int = MAX_BYTES
    retry_for: float = 60.0
    max_retries: int | None = None
    resume: bool = False


def attempt(
    endpoint: Endpoint,
    call: Call[T],
    access: Access,
    *,
    memory: Memory,
    attempts: Attempts,
    unfinished: Unfinished,
    origin: Mapping[str, object],
) -> Flow[T]:
    """Make one attempt, among as many at a time as the endpoint takes.

    Args:
        endpoint: which.
        call: what to ask.
        access: where to, and as whom.
        memory: what is known of the endpoint.
        attempts: how often, and how long.
        unfinished: takes in what a stream brings.
        origin: what to say in the answer's metadata of how it came about.
    """
    place: Place = yield Enter(endpoint.name, access, call.timeout)
    try:
        began = attempts.now
        try:
            response = yield from _sent(endpoint, call, access, memory)
            memory.reached = True
            if response.body is None:
                reception = Reception(response, access.credential, unfinished.assembler, max_bytes=call.max_bytes)
                result = yield from _received(call, reception, origin, attempts)
            else:
                result = yield from _whole(call, response, origin, access.credential)
        except RateLimitedError:
            place.refused(began=began, now=attempts.now)
            raise
        place.answered()
        return result
    finally:
        place.leave()


def _sent(endpoint: Endpoint, call: Call[T], access: Access, memory: Memory) -> Flow[Response]:
    own = memory.route if call.dialect is INVOCATIONS else None
    response: Response = yield Send(
        Request(
            method="POST",
            host=access.host,
            path=call.dialect.path(endpoint.name) if own is None else own.path,
            headers={**(STREAM_HEADERS if call.stream else HEADERS), **access.headers, **call.headers},
            body=encode(call.dialect.write(endpoint.name, call.body)),
            timeout=call.timeout,
            stream=call.stream,
            max_bytes=call.max_bytes,
        )
    )
    if response.status >= _FIRST_ERROR:
        raise refusal(response.without(access.credential))
    return response


def _whole(call: Call[T], response: Response, origin: Mapping[str, object], credential: str) -> Flow[T]:
    try:
        result = call.read(response, origin)
    except ChatError:
        result = None
    if result is None:  # once more, for an error that quotes nothing of ours; not above, where it would show the other
        result = call.read(response.without(credential), origin)
    if call.stream and isinstance(result, Answer):
        yield Deliver(_as_chunks(result))  # an endpoint that does not stream: its whole answer is one chunk
    return result


def _received(call: Call[T], reception: Reception, origin: Mapping[str, object], attempts: Attempts) -> Flow[T]:
    silence = 0.0
    while not reception.over:
        began = attempts.now
        try:
            piece: bytes = yield Receive()
        except ConnectionFailedError as error:
            raise reception.cut() from error
        except CallTimeoutError as error:
            raise reception.stalled(error.message) from error
        silence += attempts.now - began  # only while receiving: a slow consumer is not the server's silence
        chunks = reception.take(piece)
        if chunks:
            yield Deliver(chunks)
        if reception.failure is not None:
            raise reception.failure  # whatever the connection does next: this is how the answer ended
        if not all(chunk.empty for chunk in chunks):
            silence = 0.0
        elif silence > call.timeout:
            raise reception.stalled(f"The stream was kept alive, but brought nothing of an answer for {silence:.0f} s.")
    return cast("T", reception.answer(origin))


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
