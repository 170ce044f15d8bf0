"""What a server says when it refuses, in each of the shapes that it is known to say it in."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from chat.errors import (
    LONGEST_SERVER_TEXT,
    BadRequestError,
    ContextTooLongError,
    Details,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RefusedError,
    ResponseFormatRefusedError,
    ServerError,
    UnauthenticatedError,
    UnavailableError,
    inert,
)

if TYPE_CHECKING:
    from chat.wire.exchange import Response
from chat.wire.requests import without

DROPPABLE = (
    "stream_options",
    "temperature",
    "top_p",
    "top_k",
    "strict",
    "parallel_tool_calls",
    "seed",
    "cache_control",
    "reasoning",
)
"""What a call may go without and still mean the same to the caller; never the messages, the tools or a limit."""

_BY_STATUS: dict[int, type[RefusedError]] = {
    401: UnauthenticatedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    429: RateLimitedError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}

_FIRST_ERROR, _PAST_ERRORS = 400, 600

# Inside a stream the status is 200 already: the code alone says what happened, Databricks' own or the provider's.
_STATUS_OF_CODE = {
    "BAD_REQUEST": 400,
    "INVALID_PARAMETER_VALUE": 400,
    "INVALID_REQUEST_ERROR": 400,
    "VALIDATIONEXCEPTION": 400,
    "UNAUTHENTICATED": 401,
    "AUTHENTICATION_ERROR": 401,
    "PERMISSION_DENIED": 403,
    "PERMISSION_ERROR": 403,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "NOT_FOUND": 404,
    "NOT_FOUND_ERROR": 404,
    "THROTTLINGEXCEPTION": 429,
    "REQUEST_LIMIT_EXCEEDED": 429,
    "RESOURCE_EXHAUSTED": 429,
    "RATE_LIMIT_EXCEEDED": 429,
    "RATE_LIMIT_ERROR": 429,
    "INTERNAL_ERROR": 500,
    "INTERNAL_SERVER_ERROR": 500,
    "OVERLOADED_ERROR": 503,
    "SERVICE_UNAVAILABLE": 503,
    "SERVICEUNAVAILABLEEXCEPTION": 503,
    "MODELNOTREADYEXCEPTION": 503,
    "TEMPORARILY_UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}

_REMEDIES: dict[type[RefusedError], str] = {
    ContextTooLongError: "Shorten the conversation, or use a model with a longer context.",
    ResponseFormatRefusedError: "Leave response_format out, or ask by a function call instead.",
    UnauthenticatedError: "Check DATABRICKS_HOST and DATABRICKS_TOKEN: the token may be expired, or not this host's.",
    PermissionDeniedError: "Ask the endpoint's owner for CAN_QUERY on it.",
    NotFoundError: "Check the endpoint's name and the workspace; wait= (--wait) waits for one that is being created.",
    RateLimitedError: "Call less often, be more patient (retry_for=), or ask for a higher limit.",
    UnavailableError: "Try again later; wait= (--wait) waits out a cold start.",
}

# Most clients are never refused: `re` compiles these when the first is.
_OVERFLOW = (
    r"(?i)context_length_exceeded|maximum context length|context (window|length)|prompt is too long|input is too long"
    r"|too many (input )?tokens|exceeds? the (maximum|limit).{0,40}tokens"
)

# Claude's own name for it (output_config, output_format) shows where Databricks passes on what Anthropic says.
_FORMAT = r"(?i)response_format|json_?schema|structured.outputs?|output_(config|format)|response_?schema"

# A parameter is refused as such; a value out of range ("must be between 0 and 2") is the caller's to mend.
_REFUSES = (
    r"(?i)unknown|unsupported|not (be )?support|n't support|not (be )?permitted|not (be )?allowed|unrecogni[sz]ed"
    r"|unexpected|extra (inputs|fields|forbidden)|deprecated|not accepted|no longer|cannot be used"
)

# Parts of a message are refused by their type ("Invalid value: 'reasoning'. Supported values are: 'text', …").
_PARTS = ("reasoning",)
_REFUSES_PART = r"(?i)invalid (value|type)|supported (values|types)|must be one of|expected one of"


class Said(NamedTuple):
    """What an error body says.

    Attributes:
        message: in words; empty if there are none.
        code: the error's code, if it is a name.
        number: the error's code, if it is a number: in a stream, the status that it would have had by itself.
        request_id: the id that Databricks support asks for.
    """

    message: str = ""
    code: str | None = None
    number: int | None = None
    request_id: str | None = None


def refusal(response: Response, payload: Mapping[str, object] | None = None) -> RefusedError:
    """Make the typed error of an error response.

    Args:
        response: the whole response.
        payload: its JSON object, where it has been read already.
    """
    said = describe(payload if payload is not None else (response.body or b""))
    status = response.status if response.status >= _FIRST_ERROR else _status(said)
    # The workspace answers 403 with a number for a code to a token it does not know (sdk-go issue 873).
    unknown = status == 403 and said.number is not None and said.code is None  # noqa: PLR2004 - forbidden
    kind = UnauthenticatedError if unknown else _kind(status, said)
    details = Details(
        status=response.status,
        error_code=said.code,
        request_id=response.request_id or said.request_id,
        retry_after=retry_after(response.headers),
    )
    return kind(_sentence(response.status, said), remedy=_REMEDIES.get(kind), details=details)


def is_failure(payload: Mapping[str, object]) -> bool:
    """Whether an object is an error report, whatever the status said."""
    return bool(payload.get("error_code") or payload.get("error"))


def describe(body: bytes | Mapping[str, object]) -> Said:
    """Find the words, the code and the request id in an error body of any known shape."""
    if isinstance(body, bytes):
        text = body.decode("utf-8", "replace")
        payload = _object(text)
        if payload is None:
            return _from_text(text)
    else:
        payload = body
    layers = list(_layers(payload))
    codes = [
        code for layer in layers for name in ("error_code", "code", "type") if (code := layer.get(name)) is not None
    ]
    names = [code for code in codes if isinstance(code, str) and code and code != "error"]
    return Said(
        message=_message(layers),
        code=inert(names[0], limit=80) if names else None,
        number=next((code for code in codes if isinstance(code, int)), None),
        request_id=next(filter(None, map(_request_id, layers)), None),
    )


def refused_parameters(error: RefusedError, body: Mapping[str, object]) -> tuple[str, ...]:
    """Name the parameters that a model refuses and that the call can go without.

    Args:
        error: the refusal; only a 400 or 422 that names the parameter and refuses it as such counts.
        body: what was sent.
    """
    if not isinstance(error, BadRequestError):
        return ()
    named = [
        each
        for each in DROPPABLE
        if re.search(rf"(?<![\w-]){each}(?![\w-])", error.message)
        and (re.search(_REFUSES, error.message) or (each in _PARTS and re.search(_REFUSES_PART, error.message)))
    ]
    if "include_usage" in error.message and "stream_options" not in named:
        named.append("stream_options")
    return tuple(each for each in named if without(body, (each,)) != body)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After: seconds, or a date, which is measured against the response's own Date, not our clock."""
    value = headers.get("retry-after")
    if not value:
        return None
    try:
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - slow to import, and dates are rare

    try:
        return max(
            0.0, (parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date") or "")).total_seconds()
        )
    except (TypeError, ValueError):
        return None


def _status(said: Said) -> int:
    """Find the status of an error in an answer whose own status was a success already."""
    known = _STATUS_OF_CODE.get((said.code or "").upper())
    if known is None and said.number is not None and _FIRST_ERROR <= said.number < _PAST_ERRORS:
        return said.number
    return known or 500


def _kind(status: int, said: Said) -> type[RefusedError]:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:  # noqa: PLR2004 - the first server error
        return ServerError
    if re.search(_OVERFLOW, f"{said.code} {said.message}"):
        return ContextTooLongError
    return ResponseFormatRefusedError if re.search(_FORMAT, said.message) else BadRequestError


def _sentence(status: int, said: Said) -> str:
    code = f" {said.code}" if said.code else ""
    return f"{status}{code}: {said.message or 'the server gave no reason'}"


def _layers(payload: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Yield an error object and the errors wrapped in it, outermost first.

    External models' errors come wrapped once or twice, and a message may be a JSON text itself.
    """
    yield payload
    for name in ("error", "external_model_error", "external_model_message", "message", "detail"):
        inner = payload.get(name)
        if isinstance(inner, str):
            inner = _object(inner)
        if isinstance(inner, Mapping):
            yield from _layers(inner)


def _message(layers: Collection[Mapping[str, object]]) -> str:
    """Join the words of all layers, the innermost (the provider's own) last."""
    words: list[str] = []
    for layer in layers:
        for name in ("message", "error", "detail", "error_description"):
            value = layer.get(name)
            if isinstance(value, str) and value and _object(value) is None and value not in words:
                words.append(value)
            elif name == "detail" and isinstance(value, list):
                words.append(json.dumps(value, default=str))
    return inert(": ".join(words), limit=LONGEST_SERVER_TEXT)


def _request_id(layer: Mapping[str, object]) -> str | None:
    listed = layer.get("details")
    for holder in (layer, *(listed if isinstance(listed, list) else ())):
        identity = holder.get("request_id") if isinstance(holder, Mapping) else None
        if isinstance(identity, str):
            return inert(identity, limit=80)
    return None


def _from_text(text: str) -> Said:
    """Read a body that is no JSON object: HTML by its title, `CODE: message`, or plain words."""
    title = re.search(r"<title>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    if title or text.lstrip().startswith("<"):
        return Said(message=inert(f"an HTML page titled {title[1].strip()!r}" if title else "an HTML page", limit=200))
    coded = re.match(r"([A-Z][A-Z_]{3,}): (.*)", text, re.DOTALL)
    message = inert((coded[2] if coded else text).strip(), limit=LONGEST_SERVER_TEXT)
    return Said(message=message, code=coded[1] if coded else None)


def _object(text: str) -> Mapping[str, object] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, Mapping) else None
