"""`ChatClient`: the core's flows, driven synchronously."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Self

from chat.auth import Credentials
from chat.client.driver import Driver
from chat.client.transport import PooledTransport, Transport
from chat.flow import AwaitReady, Caller, Endpoints, Flow, Options, Patience, endpoints_of
from chat.messages import Answer, Chunk, Embeddings, Prompt
from chat.tracing import traced
from chat.wire import MAX_BYTES

if TYPE_CHECKING:
    from chat.auth import Config, WorkspaceClient
    from chat.wire import Token
    from provisioning.readiness import Readiness


class ChatClient:
    """A client of one serving endpoint, safe to share between threads.

        client = ChatClient("my-chat", wait=60)
        print(client.invoke("What is MLflow?"))
        for chunk in client.stream([("system", "Be brief."), ("user", "Hi")], temperature=0.1):
            print(chunk, end="")

    Args:
        endpoint: the serving endpoint, or several: the first that is available answers.
        host: the workspace's URL; by default DATABRICKS_HOST, or what the SDK's unified auth finds.
        token: a token, or a function that returns one; by default DATABRICKS_TOKEN, or the SDK's unified auth.
        workspace_client: a `WorkspaceClient` or `Config` of the Databricks SDK, instead of `host` and `token`: its
            workspace is called, and it logs in.
        wait: seconds to wait for an endpoint that is not ready yet or scaled to zero; 0 does not wait.
        timeout: seconds without a piece of the answer after which a call is given up; comments that keep a stream's
            connection alive are no pieces.
        retry_for: seconds within which failures that pass (429, 502, 503, 504, no connection) are retried; a host that
            has never answered is given up after 5, or after `wait`.
        max_retries: how many retries at most; None leaves it to `retry_for`.
        resume: whether to ask for the rest of a streamed text when its stream breaks. Off, that is an error, since a
            model may go on otherwise than it would have; `answer.metadata["resumed"]` says when it was done. It is a
            retry: with `max_retries=0` there is none.
        max_bytes: how large an answer, or one event of a stream, may be.
        headers: further headers for each request.
        use_responses_api: whether to ask by the Responses API; prompts, parameters and answers stay the same.
        on_poll: called while waiting, with what was seen of the endpoint and the seconds gone by.
        on_pause: called before a pause between attempts, with what went wrong and the seconds until the next.
        transport: what sends the requests.
        clock: a monotonic clock, in seconds.
        sleep: pauses for so many seconds.
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
        transport: Transport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
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
        self._driver = Driver(transport or PooledTransport(), credentials, clock, sleep, on_poll, on_pause)

    def invoke(
        self,
        prompt: Prompt,
        *,
        wait: float | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        token: Token | None = None,
        endpoint: Endpoints | None = None,
        **params: object,
    ) -> Answer:
        """Ask, and return the whole answer.

        Args:
            prompt: a string, or messages: `("system", "…")` tuples, `{"role": …, "content": …}` objects, earlier
                answers.
            wait: seconds to wait for the endpoint to be ready, instead of the client's own.
            timeout: seconds without a piece of the answer after which to give up, instead of the client's own.
            headers: further headers of this request.
            token: whose token to send: an application calls on behalf of its user, over the same connections.
            endpoint: another endpoint than the client's own.
            **params: further fields of the request (`temperature`, `max_tokens`, `tools`, `usage_context`, …);
                `extra_body` is merged in as it is.

        Raises:
            ChatError: what went wrong; see `chat.errors`.
        """
        options = Options(endpoint, wait, timeout, headers, token)
        return self._driver.run(self._caller.chat(prompt, params, stream=False, options=options))

    def stream(
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
    ) -> ChatStream:
        """Ask, and iterate over the answer's chunks as they come; same arguments as `invoke`.

        The call is made when the first chunk is asked for. Whoever stops early should `close()` the stream, or use it
        in a `with`: that cancels the call. The last chunk carries the usage.
        """
        options = Options(endpoint, wait, timeout, headers, token, resume)
        return ChatStream(self._driver, self._caller.chat(prompt, params, stream=True, options=options))

    def embed(
        self,
        texts: Sequence[str],
        *,
        wait: float | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        token: Token | None = None,
        endpoint: Endpoints | None = None,
        **params: object,
    ) -> Embeddings:
        """Embed texts by an endpoint of task llm/v1/embeddings, in one request; same arguments as `invoke`.

        Args:
            texts: what to embed.
            wait: as of `invoke`.
            timeout: as of `invoke`.
            headers: as of `invoke`.
            token: as of `invoke`.
            endpoint: as of `invoke`.
            **params: further fields of the request (`dimensions`, `instruction`, …).

        Raises:
            ChatError: what went wrong; see `chat.errors`.
        """
        options = Options(endpoint, wait, timeout, headers, token)
        return self._driver.run(self._caller.embed(texts, params, options=options))

    def wait_until_ready(self, timeout: float | None = None) -> None:
        """Wait until the (first) endpoint answers by the config that was written last.

        A call's own `wait` is content with an older config that still answers.

        Args:
            timeout: seconds to wait at most; by default the client's `wait`, or 300.

        Raises:
            ReadinessError: it is not ready in time, has failed or does not exist.
            PermissionDeniedError: its state is not to be seen.
        """
        seconds = timeout if timeout is not None else self._caller.patience.wait or 300.0
        self._driver.wait(AwaitReady(self._caller.endpoints[0], seconds, thorough=True))

    def close(self) -> None:
        """Close all idle connections."""
        self._driver.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()


class ChatStream(Iterator[Chunk]):
    """An answer on its way: iterate over its chunks, then look at `answer`.

    Args:
        driver: carries out the call.
        flow: the call.
    """

    def __init__(self, driver: Driver, flow: Flow[Answer]) -> None:
        self._deliveries = driver.deliver(flow, self._keep)
        self._waiting: deque[Chunk] = deque()
        self._answer: Answer | None = None

    def __next__(self) -> Chunk:
        while not self._waiting:
            self._waiting.extend(next(self._deliveries))
        return self._waiting.popleft()

    @property
    def answer(self) -> Answer | None:
        """The whole answer, once the stream is over; None until then."""
        return self._answer

    def close(self) -> None:
        """Cancel the call, if it is still going on."""
        self._deliveries.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def _keep(self, answer: Answer) -> None:
        self._answer = answer
