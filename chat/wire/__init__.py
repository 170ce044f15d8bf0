"""The HTTP messages, as values: requests written, answers read, refusals understood.

What belongs here: paths, bodies, headers and every JSON shape of the invocation routes. What may never happen here:
I/O, or a decision about what to do next (that is `chat.flow`).
"""

from chat.wire.answers import metadata, read_answer, read_embeddings, read_json, whole, wrong_answer
from chat.wire.dialects import INVOCATIONS, RESPONSES
from chat.wire.exchange import (
    MAX_BYTES,
    Access,
    Dialect,
    Request,
    Response,
    Token,
    concealed,
    is_stream,
    unpacking,
)
from chat.wire.json_text import parse
from chat.wire.own_route import OwnRoute, read_own_route
from chat.wire.refusals import describe, is_failure, refusal, refused_parameters, retry_after
from chat.wire.requests import (
    HEADERS,
    PRODUCT,
    STREAM_HEADERS,
    chat_body,
    checked,
    encode,
    invocation_path,
    state_path,
    without,
)
from chat.wire.response_events import ResponseEvents, failed_response, is_response_event

__all__ = [
    "HEADERS",
    "INVOCATIONS",
    "MAX_BYTES",
    "PRODUCT",
    "RESPONSES",
    "STREAM_HEADERS",
    "Access",
    "Dialect",
    "OwnRoute",
    "Request",
    "Response",
    "ResponseEvents",
    "Token",
    "chat_body",
    "checked",
    "concealed",
    "describe",
    "encode",
    "failed_response",
    "invocation_path",
    "is_failure",
    "is_response_event",
    "is_stream",
    "metadata",
    "parse",
    "read_answer",
    "read_embeddings",
    "read_json",
    "read_own_route",
    "refusal",
    "refused_parameters",
    "retry_after",
    "state_path",
    "unpacking",
    "whole",
    "without",
    "wrong_answer",
]
