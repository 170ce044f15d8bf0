"""The errors a workspace answers with, and those that are raised where it runs.

    ApiError                    -> an HTTP answer `{"error_code", "message", "details"?}`
    UnresolvedSecretError       a `{{secrets/scope/key}}` that cannot be read for the endpoint's creator
    UnusableStateError          a state folder that this process cannot serve; an OSError, and so is
                                ListenError: a port that cannot be listened on

The texts are the real ones where a real answer is on record; clients match on them.
"""

from __future__ import annotations

import uuid
from typing import Any, Literal


class ApiError(Exception):
    """An answer other than 200.

    Args:
        status: the HTTP status.
        error_code: the API's code; an integer for refused credentials, as the real gateway writes it.
        message: what a client prints. Never holds a secret's value.
        headers: extra response headers (`Retry-After`).
        request_info: whether to add the `RequestInfo` detail, which serving-endpoint errors carry.
    """

    def __init__(
        self,
        status: int,
        error_code: str | int,
        message: str,
        *,
        headers: dict[str, str] | None = None,
        request_info: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.message = message
        self.headers = headers or {}
        self.request_info = request_info

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        body: dict[str, Any] = {"error_code": self.error_code, "message": self.message}
        if self.request_info:
            body["details"] = [
                {
                    "@type": "type.googleapis.com/google.rpc.RequestInfo",
                    "request_id": str(uuid.uuid4()),
                    "serving_data": "",
                }
            ]
        return body


class UnresolvedSecretError(LookupError):
    """A secret reference that gives no value.

    Args:
        reference: as the config writes it, `{{secrets/scope/key}}`; a name, never a value.
        reason: `malformed`, `missing` (no such scope or key) or `forbidden` (the creator may not read the scope).
    """

    def __init__(self, reference: str, reason: Literal["malformed", "missing", "forbidden"]) -> None:
        super().__init__(f"secret reference {reference} is {reason}")
        self.reference = reference
        self.reason = reason


class UnusableStateError(OSError):
    """A state folder that cannot be used: in use, not writable, damaged, or of another version.

    Args:
        message: which folder or file, what is wrong with it, and what to do.
    """


class ListenError(OSError):
    """A port that cannot be listened on.

    Args:
        message: which one, and why.
    """


def invalid(message: str) -> ApiError:
    """Return a 400 for a value that the API does not take."""
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


def bad_request(message: str) -> ApiError:
    """Return a 400 for a request that makes no sense on this object."""
    return ApiError(400, "BAD_REQUEST", message)


def malformed(message: str) -> ApiError:
    """Return a 400 for a body whose shape is wrong."""
    return ApiError(400, "MALFORMED_REQUEST", message)


def too_many(message: str) -> ApiError:
    """Return a 400 for a workspace limit that is used up."""
    return ApiError(400, "RESOURCE_LIMIT_EXCEEDED", message)


def missing(message: str, *, request_info: bool = False) -> ApiError:
    """Return a 404 for an object that does not exist."""
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", message, request_info=request_info)


def denied(message: str, *, request_info: bool = False) -> ApiError:
    """Return a 403 for an identity that lacks the right."""
    return ApiError(403, "PERMISSION_DENIED", message, request_info=request_info)


def conflict(message: str) -> ApiError:
    """Return a 409 for an object that is busy."""
    return ApiError(409, "RESOURCE_CONFLICT", message, request_info=True)
