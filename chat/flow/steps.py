"""What a flow may ask of its driver."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from chat.messages import Chunk
    from chat.wire import Request, Token

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A serving endpoint, and where it is if not in the client's own workspace.

    Attributes:
        name: the endpoint's name.
        host: the workspace's URL; None is the client's own.
        token: a token for it, or a function that returns one; None is the client's own credentials.
    """

    name: str
    host: str | None = None
    token: Token | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AwaitReady:
    """Wait until the endpoint is ready; the result is None.

    Attributes:
        endpoint: which.
        seconds: how long at most.
    """

    endpoint: Endpoint
    seconds: float


@dataclass(frozen=True, slots=True)
class Authorize:
    """Get the credentials; the result is an `Access`, or None if a refresh was asked for and is impossible.

    Attributes:
        endpoint: which endpoint they are for.
        refresh: whether those at hand were just refused.
    """

    endpoint: Endpoint
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request; the result is a `Response`."""

    request: Request


@dataclass(frozen=True, slots=True)
class Receive:
    """Receive more of the open stream; the result is the next bytes, empty at its end."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand chunks to whoever consumes the stream; the result is None."""

    chunks: list[Chunk]


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next attempt; the result is None.

    Attributes:
        seconds: how long.
        reason: what went wrong with the attempt before, or why this one has to wait, in one sentence.
    """

    seconds: float
    reason: str


Step: TypeAlias = AwaitReady | Authorize | Send | Receive | Deliver | Pause

# The result's type depends on the step (above); a generator cannot say that.
Flow: TypeAlias = Generator[Step, Any, T]


class Running(Generic[T]):
    """A flow on its way.

    Args:
        flow: which.
    """

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self._outcome: list[T] = []

    def proceed(self, result: object = None, failure: Exception | None = None) -> Step | None:
        """Tell the flow what came of its last step.

        Args:
            result: what it yielded.
            failure: the error that it ended in instead.

        Returns:
            The next step, or None when the flow is over; then `result` is there.
        """
        try:
            return self._flow.send(result) if failure is None else self._flow.throw(failure)
        except StopIteration as over:
            self._outcome.append(over.value)
            return None

    def close(self) -> None:
        """End the flow where it is, if it is not over."""
        self._flow.close()

    @property
    def result(self) -> T:
        """What the flow returned."""
        return self._outcome[0]
