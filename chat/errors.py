"""What can go wrong in a call, and what to do about it.

    ChatError
    ├── InvalidRequestError (ValueError)     the arguments make no request; nothing was sent
    ├── AuthError                            no credentials, or credentials for another workspace; nothing was sent
    ├── ConnectionFailedError                no answer came: the connection was reset or lost
    │   └── UnreachableError                 ... because none could be made; nothing was sent
    ├── UntrustedHostError                   the host's certificate is not one to trust; nothing was sent
    ├── CallTimeoutError (TimeoutError)      no answer within `timeout`
    ├── RefusedError                         the server answered with an error status
    │   ├── BadRequestError                  400, 422
    │   │   ├── ContextTooLongError          ... because the input is longer than the model's context
    │   │   └── ResponseFormatRefusedError   ... because the model takes no such response_format
    │   ├── UnauthenticatedError             401, or a token that the workspace does not know
    │   ├── PermissionDeniedError            403
    │   ├── NotFoundError                    404
    │   ├── RateLimitedError                 429
    │   └── ServerError                      5xx
    │       └── UnavailableError             502, 503, 504: worth another try
    ├── BadAnswerError                       a success that is no chat answer: HTML, pyfunc predictions, no choices
    ├── StreamError                          a stream that began and did not end well; `partial` is what had come
    │   ├── StreamCutError                   it ended without a finish_reason and without [DONE]
    │   └── StreamFailedError                the server put an error into it
    └── ReadinessError
        ├── NotReadyError (TimeoutError)     `wait` ran out while the endpoint was still pending
        ├── EndpointFailedError              its deployment failed; says the served entity's own message
        └── EndpointMissingError             it does not exist, or is not visible to the caller

Each error says in `remedy` what to do next. Text that came from a server is bounded and inert before it gets here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

LONGEST_SERVER_TEXT = 800
"""Characters kept of what a server says about an error: enough to act on, too little for an HTML page."""

TIMEOUT_REMEDY = "Pass a longer timeout=; Databricks itself gives up after 297 s."
LARGER_REMEDY = "Pass a larger max_bytes=, if that is an answer after all."

# C0 and C1 controls but tab and newline, and the characters that reorder or hide text in a terminal.
_UNSAFE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"


class Received(Protocol):
    """What had come of an answer when its stream broke (a `chat.Answer`)."""

    @property
    def text(self) -> str:
        """The text so far."""

    @property
    def message(self) -> dict[str, object]:
        """The assistant message so far, in the wire's own shape."""


@dataclass(frozen=True, slots=True)
class Details:
    """What a server said about a failure.

    Attributes:
        status: the HTTP status, if an answer came.
        error_code: the workspace's code (`REQUEST_LIMIT_EXCEEDED`).
        request_id: the id that Databricks support asks for.
        retry_after: seconds the server asks to wait.
    """

    status: int | None = None
    error_code: str | None = None
    request_id: str | None = None
    retry_after: float | None = None


class ChatError(Exception):
    """Anything this package raises on purpose.

    Args:
        message: what is wrong, and with which endpoint.
        remedy: what to do next, in one sentence.
        details: what the server said about it.
        partial: what had come of the answer, or None if nothing had.
    """

    def __init__(
        self, message: str, *, remedy: str | None = None, details: Details = Details(), partial: Received | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.details = details
        self.partial = partial
        if remedy:
            self.add_note(remedy)

    @property
    def status(self) -> int | None:
        """The HTTP status, if an answer came."""
        return self.details.status

    @property
    def error_code(self) -> str | None:
        """The workspace's code (`REQUEST_LIMIT_EXCEEDED`), if it gave one."""
        return self.details.error_code

    @property
    def request_id(self) -> str | None:
        """The id that Databricks support asks for."""
        return self.details.request_id

    @property
    def retry_after(self) -> float | None:
        """Seconds the server asked to wait."""
        return self.details.retry_after


class InvalidRequestError(ChatError, ValueError):
    """The arguments make no request; nothing was sent."""


class AuthError(ChatError):
    """There are no credentials, or they belong to another workspace; nothing was sent."""


class ConnectionFailedError(ChatError):
    """No answer came: the connection was reset or lost."""


class UnreachableError(ConnectionFailedError):
    """No connection could be made: refused, no such host, no way there; nothing was sent."""


class UntrustedHostError(ChatError):
    """The host's certificate is not one to trust, or there is nothing to check it by; nothing was sent."""


class CallTimeoutError(ChatError, TimeoutError):
    """No answer came within the call's `timeout`."""


class RefusedError(ChatError):
    """The server answered with an error status."""


class BadRequestError(RefusedError):
    """The request is not one that the model takes (400, 422)."""


class ContextTooLongError(BadRequestError):
    """The input is longer than the model's context."""


class ResponseFormatRefusedError(BadRequestError):
    """The model takes no `response_format`, or not this one."""


class UnauthenticatedError(RefusedError):
    """The workspace does not accept the token."""


class PermissionDeniedError(RefusedError):
    """The identity may not query this endpoint."""


class NotFoundError(RefusedError):
    """The endpoint does not exist, or is not visible to this identity."""


class RateLimitedError(RefusedError):
    """A rate limit is used up (429)."""


class ServerError(RefusedError):
    """The server failed (5xx)."""


class UnavailableError(ServerError):
    """The server, or the model behind it, is not there right now (502, 503, 504)."""


class BadAnswerError(ChatError):
    """A success that holds no chat answer."""


class StreamError(ChatError):
    """A stream began and did not end well."""


class StreamCutError(StreamError):
    """The stream ended without a finish_reason and without [DONE]: the text is incomplete."""


class StreamFailedError(StreamError):
    """The server put an error into the stream."""


class ReadinessError(ChatError):
    """The endpoint cannot be called (yet)."""


class NotReadyError(ReadinessError, TimeoutError):
    """`wait` ran out while the endpoint was still pending."""


class EndpointFailedError(ReadinessError):
    """The endpoint's deployment failed."""


class EndpointMissingError(ReadinessError):
    """The endpoint does not exist, or is not visible to the caller."""


class ChatWarning(UserWarning):
    """Something was changed to make a call succeed (a parameter that the model refuses was left out)."""


def inert(text: str, *, limit: int | None = None) -> str:
    """Make text from a server safe to show: no terminal escapes, no hidden or reordered characters.

    Args:
        text: what the server sent.
        limit: how many characters to keep at most; None keeps all.
    """
    safe = re.sub(_UNSAFE, "\N{REPLACEMENT CHARACTER}", text)
    if limit is None or len(safe) <= limit:
        return safe
    return f"{safe[:limit]}…"
