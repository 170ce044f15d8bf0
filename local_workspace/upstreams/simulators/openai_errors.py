"""The errors of OpenAI's API, in its words: clients match on them."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse


class RefusedError(Exception):
    """A request that OpenAI's API would refuse.

    Args:
        status: The HTTP status.
        message: What is wrong, in the words of the real API.
        param: The request's field that is wrong.
        code: The API's machine-readable code.
        kind: The API's error type.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"error": {"message": message, "type": kind, "param": param, "code": code}}

    def response(self) -> JSONResponse:
        """The HTTP answer."""
        return JSONResponse(self.body, status_code=self.status)


def no_key() -> RefusedError:
    """Return the 401 for a request without a key, or with one in the wrong header."""
    return RefusedError(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
        "(i.e. Authorization: Bearer YOUR_KEY).",
    )


def wrong_key() -> RefusedError:
    """Return the 401 for a wrong key. The real one shows both ends of the key; not even they belong in an error."""
    return RefusedError(
        401,
        "Incorrect API key provided: ***. You can find your API key at https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    )


def azure_wrong_key() -> RefusedError:
    """Return Azure's 401, which does not tell a missing key from a wrong one."""
    refused = RefusedError(
        401,
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for "
        "an active subscription and use a correct regional API endpoint for your resource.",
        code="401",
    )
    refused.body = {"error": {"code": "401", "message": str(refused)}}
    return refused


def unknown_path(method: str, path: str) -> RefusedError:
    """Return the 404 for a route that does not exist."""
    return RefusedError(404, f"Invalid URL ({method} {path})")
