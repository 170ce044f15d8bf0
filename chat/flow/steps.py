"""What a flow may ask of its driver."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from chat.messages import Chunk
    from chat.wire import Access, OwnRoute, Request, Token

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A serving endpoint, and where it is if not in the client's own workspace.

    Attributes:
        name: the endpoint's name.
        host: the workspace's URL; None is the client's own.
        token: a token for it, or a function that returns one; None is the client's own credentials.
        route_optimized: whether it is known to have a route of its own. If not said, that is found out when its state
            is waited for (`wait`), or when it refuses a call by the workspace's route.
    """

    name: str
    host: str | None = None
    token: Token | None = field(default=None, repr=False)
    route_optimized: bool = False


class AwaitReady(NamedTuple):
    """Wait until the endpoint is ready; the result is None.

    Attributes:
        endpoint: which.
        seconds: how long at most.
        learn: is told what was seen of it.
        thorough: whether to wait for the config that was written last. A call is content with one before it that still
            answers, and where it may not look.
    """

    endpoint: Endpoint
    seconds: float
    learn: Callable[[Mapping[str, object] | None], None] = lambda _: None
    thorough: bool = False


class Authorize(NamedTuple):
    """Get the credentials; the result is an `Access`, or None if what was refused is all that there is.

    Attributes:
        endpoint: which endpoint they are for.
        route: the endpoint's own route, if the call takes it.
        refused: what was just refused.
    """

    endpoint: Endpoint
    route: OwnRoute | None = None
    refused: Access | None = None


class Place(Protocol):
    """A call's place among those that an endpoint takes at a time."""

    def leave(self) -> None:
        """Give it to the next; may be called again."""

    def refused(self, *, began: float, now: float) -> None:
        """Take in that the call was refused for there being too many; times are by the clock."""

    def answered(self) -> None:
        """Take in that the call was answered."""


class Enter(NamedTuple):
    """Wait for a place among the calls that the endpoint takes at a time; the result is a `Place`.

    Attributes:
        endpoint: the endpoint's name.
        access: where it is, and who calls.
        seconds: how long to wait at most.
    """

    endpoint: str
    access: Access
    seconds: float


class Send(NamedTuple):
    """Send a request; the result is a `Response`."""

    request: Request


class Receive(NamedTuple):
    """Receive more of the open stream; the result is the next bytes, empty at its end."""


class Deliver(NamedTuple):
    """Hand chunks to whoever consumes the stream; the result is None."""

    chunks: list[Chunk]


class Pause(NamedTuple):
    """Wait before the next attempt; the result is None.

    Attributes:
        seconds: how long.
        reason: what went wrong with the attempt before, or why this one has to wait, in one sentence.
    """

    seconds: float
    reason: str


Step: TypeAlias = AwaitReady | Authorize | Enter | Send | Receive | Deliver | Pause

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
