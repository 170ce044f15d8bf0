"""What a client knows before it calls: its endpoints, its patience, and what it has learnt of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

from chat.errors import InvalidRequestError
from chat.flow.attempt import Call
from chat.flow.call import complete
from chat.flow.retry import Memory
from chat.flow.steps import Endpoint, Flow, T
from chat.messages import Answer, Embeddings, Prompt, as_messages
from chat.wire import (
    INVOCATIONS,
    MAX_BYTES,
    RESPONSES,
    Dialect,
    Response,
    Token,
    chat_body,
    checked,
    read_answer,
    read_embeddings,
)

Endpoints: TypeAlias = str | Endpoint | Sequence[str | Endpoint]

# What a client is told once, or a stream alone. Whoever tells it to another call takes it for an option of that call.
_OPTIONS = frozenset({"resume", "retry_for", "max_retries", "max_bytes", "host", "workspace_client", "on_pause"})


class Patience(NamedTuple):
    """How patiently to call.

    Attributes:
        wait: seconds to wait for an endpoint that is not ready; 0 does not look.
        timeout: seconds without a piece of the answer after which to give up.
        retry_for: seconds from a call's start after which no further attempt begins.
        max_retries: how many retries at most; None leaves it to `retry_for`.
        resume: whether the rest of a streamed answer is asked for when its stream breaks.
        max_bytes: how large an answer, or one event of a stream, may be.
    """

    wait: float = 0.0
    timeout: float = 300.0
    retry_for: float = 60.0
    max_retries: int | None = None
    resume: bool = False
    max_bytes: int = MAX_BYTES


class Options(NamedTuple):
    """What one call does differently from its client; None changes nothing.

    Attributes:
        endpoint: another endpoint, or several in the order of preference.
        wait: seconds to wait for an endpoint that is not ready.
        timeout: seconds without a piece of the answer after which to give up.
        headers: further headers, over the client's own.
        token: whose token to send (on behalf of a user), or a function that returns it.
        resume: whether the rest of a streamed answer is asked for when its stream breaks.
    """

    endpoint: Endpoints | None = None
    wait: float | None = None
    timeout: float | None = None
    headers: Mapping[str, str] | None = None
    token: Token | None = None
    resume: bool | None = None


@dataclass(slots=True)
class Caller:
    """Makes the flows of one client's calls.

    Attributes:
        endpoints: the one to call and those to fall back to.
        patience: what holds unless a call says otherwise.
        headers: further headers of each request.
        trace: puts what observes a chat call around its flow, given the endpoint's name and the request's body.
        use_responses_api: whether chat requests go to the Responses API.
        clock: a monotonic clock, in seconds.
        jitter: a random number from 0 to 1.
        memories: what is known of each endpoint, by workspace and name.
    """

    endpoints: tuple[Endpoint, ...]
    patience: Patience
    headers: Mapping[str, str]
    clock: Callable[[], float]
    trace: Callable[[Flow[Answer], str, Mapping[str, object]], Flow[Answer]] = lambda flow, _name, _body: flow
    use_responses_api: bool = False
    jitter: Callable[[], float] = random.random
    memories: dict[tuple[str | None, str], Memory] = field(default_factory=dict)

    def chat(
        self,
        prompt: Prompt,
        params: Mapping[str, object],
        *,
        stream: bool,
        options: Options,
    ) -> Flow[Answer]:
        """The flow of one chat call.

        Args:
            prompt: what to say.
            params: further fields of the request's body (`temperature`, `max_tokens`, `tools`, …).
            stream: whether to ask for an event stream.
            options: what this call does differently from the client.

        Raises:
            InvalidRequestError: a parameter is an option that this call does not have.
        """
        body = chat_body(as_messages(prompt), _fields(params), stream=stream)
        dialect = RESPONSES if self.use_responses_api else INVOCATIONS
        flow = self._flow(body, read_answer, options, dialect=dialect, stream=stream)
        return self.trace(flow, self._endpoints(options)[0].name, body)

    def embed(self, texts: Sequence[str], params: Mapping[str, object], *, options: Options) -> Flow[Embeddings]:
        """The flow of one embeddings call.

        Args:
            texts: what to embed.
            params: further fields of the request's body.
            options: what this call does differently from the client.

        Raises:
            InvalidRequestError: a parameter is an option that this call does not have.
        """
        body = {"input": list(texts), **{name: value for name, value in _fields(params).items() if value is not None}}
        return self._flow(body, read_embeddings(len(texts)), options)

    def memory(self, endpoint: Endpoint) -> Memory:
        """What is known of an endpoint."""
        return self.memories.setdefault((endpoint.host, endpoint.name), Memory())

    def _flow(
        self,
        body: Mapping[str, object],
        read: Callable[[Response, Mapping[str, object]], T],
        options: Options,
        *,
        dialect: Dialect = INVOCATIONS,
        stream: bool = False,
    ) -> Flow[T]:
        patience = self.patience
        call = Call(
            endpoints=self._endpoints(options),
            body=body,
            read=read,
            dialect=dialect,
            stream=stream,
            headers=checked({**self.headers, **(options.headers or {})}),
            wait=patience.wait if options.wait is None else options.wait,
            timeout=patience.timeout if options.timeout is None else options.timeout,
            max_bytes=patience.max_bytes,
            retry_for=patience.retry_for,
            max_retries=patience.max_retries,
            resume=patience.resume if options.resume is None else options.resume,
        )
        return complete(call, self.memory, clock=self.clock, jitter=self.jitter)

    def _endpoints(self, options: Options) -> tuple[Endpoint, ...]:
        endpoints = self.endpoints if options.endpoint is None else endpoints_of(options.endpoint)
        if options.token is None:
            return endpoints
        return tuple(replace(each, token=options.token) for each in endpoints)


def _fields(params: Mapping[str, object]) -> Mapping[str, object]:
    """Return a call's further fields, if none is an option: sent as a field, it would be refused, or do nothing."""
    for name in params:
        if name in _OPTIONS:
            where = "a call that streams, or pass it to the client" if name == "resume" else "the client"
            raise InvalidRequestError(
                f"{name}= is no option of this call.",
                remedy=f"Pass it to {where}; a field of the request that has this name goes into extra_body=.",
            )
    return params


def endpoints_of(given: Endpoints) -> tuple[Endpoint, ...]:
    """Read what a caller names as endpoint: a name, an `Endpoint`, or several in the order of preference.

    Raises:
        InvalidRequestError: there is none.
    """
    listed = [given] if isinstance(given, (str, Endpoint)) else list(given)
    if not listed:
        raise InvalidRequestError("No endpoint is named.", remedy="Pass a serving endpoint's name.")
    return tuple(each if isinstance(each, Endpoint) else Endpoint(each) for each in listed)
