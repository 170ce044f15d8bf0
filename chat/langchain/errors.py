"""The core's errors that are also LangChain's own, so that code which catches either goes on to work."""

from __future__ import annotations

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
    OutputParserException,
)

from chat import errors


class LangChainAuthError(errors.AuthError, ModelAuthenticationError):
    """There are no credentials for the workspace."""


class LangChainBadRequestError(errors.BadRequestError, ModelInvalidRequestError):
    """The request is not one that the model takes."""


class LangChainContextTooLongError(errors.ContextTooLongError, ContextOverflowError, ModelInvalidRequestError):
    """The input is longer than the model's context."""


class LangChainResponseFormatRefusedError(errors.ResponseFormatRefusedError, ModelInvalidRequestError):
    """The model takes no `response_format`, or not this one."""


class LangChainUnauthenticatedError(errors.UnauthenticatedError, ModelAuthenticationError):
    """The workspace does not accept the token."""


class LangChainPermissionDeniedError(errors.PermissionDeniedError, ModelPermissionDeniedError):
    """The identity may not query this endpoint."""


class LangChainNotFoundError(errors.NotFoundError, ModelNotFoundError):
    """The endpoint does not exist."""


class LangChainEndpointMissingError(errors.EndpointMissingError, ModelNotFoundError):
    """The endpoint that was waited for does not exist."""


class LangChainRateLimitedError(errors.RateLimitedError, ModelRateLimitError):
    """A rate limit is used up."""


class LangChainUnavailableError(errors.UnavailableError, ModelAPIError):
    """The server, or the model behind it, is not there right now."""


class LangChainServerError(errors.ServerError, ModelAPIError):
    """The server failed."""


class LangChainUnreachableError(errors.UnreachableError, ModelConnectionError):
    """No connection could be made."""


class LangChainConnectionFailedError(errors.ConnectionFailedError, ModelConnectionError):
    """No answer came."""


class LangChainStreamCutError(errors.StreamCutError, ModelConnectionError):
    """The stream ended before its end."""


class LangChainStreamFailedError(errors.StreamFailedError, ModelAPIError):
    """The server put an error into the stream."""


class LangChainTimeoutError(errors.CallTimeoutError, ModelTimeoutError):
    """No answer came in time."""


class LangChainNotReadyError(errors.NotReadyError, ModelTimeoutError):
    """The endpoint was not ready in time."""


class UnstructuredAnswerError(errors.BadAnswerError, OutputParserException):
    """Structured output was asked for, and the model refused, broke off, or answered in words."""


# The nearest kind first.
_KINDS: tuple[tuple[type[errors.ChatError], type[errors.ChatError]], ...] = (
    (errors.AuthError, LangChainAuthError),
    (errors.ContextTooLongError, LangChainContextTooLongError),
    (errors.ResponseFormatRefusedError, LangChainResponseFormatRefusedError),
    (errors.BadRequestError, LangChainBadRequestError),
    (errors.UnauthenticatedError, LangChainUnauthenticatedError),
    (errors.PermissionDeniedError, LangChainPermissionDeniedError),
    (errors.NotFoundError, LangChainNotFoundError),
    (errors.EndpointMissingError, LangChainEndpointMissingError),
    (errors.RateLimitedError, LangChainRateLimitedError),
    (errors.UnavailableError, LangChainUnavailableError),
    (errors.ServerError, LangChainServerError),
    (errors.UnreachableError, LangChainUnreachableError),
    (errors.ConnectionFailedError, LangChainConnectionFailedError),
    (errors.StreamCutError, LangChainStreamCutError),
    (errors.StreamFailedError, LangChainStreamFailedError),
    (errors.CallTimeoutError, LangChainTimeoutError),
    (errors.NotReadyError, LangChainNotReadyError),
)


class AsLangChain:
    """A context that raises the core's errors as LangChain's own, where it has such a kind; others pass as they are."""

    __slots__ = ()

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, errors.ChatError):
            return
        kind = next((ours for base, ours in _KINDS if isinstance(error, base)), None)
        if kind is not None:
            raise kind(error.message, remedy=error.remedy, details=error.details, partial=error.partial) from error
