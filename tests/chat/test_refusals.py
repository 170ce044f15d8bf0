from __future__ import annotations

import json
from typing import Any

import pytest

from chat import errors
from chat.wire import Response, encode, invocation_path, refusal, refused_parameters, retry_after, without


def response(status: int, body: object, **headers: str) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


INNER = {"error": {"message": "Incorrect API key", "code": "invalid_api_key", "type": "invalid_request_error"}}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "words"),
    [
        (400, {"error_code": "BAD_REQUEST", "message": "no"}, errors.BadRequestError, "BAD_REQUEST", "no"),
        (
            403,
            {"error_code": 403, "message": "Invalid access token."},
            errors.UnauthenticatedError,
            None,
            "Invalid access",
        ),
        (
            403,
            {"error_code": "PERMISSION_DENIED", "message": "x"},
            errors.PermissionDeniedError,
            "PERMISSION_DENIED",
            "x",
        ),
        (404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "x"}, errors.NotFoundError, None, "x"),
        (429, b"", errors.RateLimitedError, None, "gave no reason"),
        (429, b"REQUEST_LIMIT_EXCEEDED: too fast", errors.RateLimitedError, "REQUEST_LIMIT_EXCEEDED", "too fast"),
        (500, {"error": "boom"}, errors.ServerError, None, "boom"),
        (502, b"<html><title>Bad Gateway</title></html>", errors.UnavailableError, None, "Bad Gateway"),
        (503, {"detail": [{"msg": "x"}]}, errors.UnavailableError, None, "msg"),
        (401, INNER, errors.UnauthenticatedError, "invalid_api_key", "Incorrect API key"),
        (
            400,
            {"error": "Received error from databricks-model-serving", "external_model_message": INNER},
            errors.BadRequestError,
            "invalid_api_key",
            "Incorrect API key",
        ),
        (
            400,
            {"external_model_provider": "openai", "external_model_error": INNER},
            errors.BadRequestError,
            "invalid_api_key",
            "Incorrect API key",
        ),
        (
            400,
            {"error_code": "BAD_REQUEST", "message": json.dumps({"message": "inside"})},
            errors.BadRequestError,
            "BAD_REQUEST",
            "inside",
        ),
        (
            400,
            {
                "error": {
                    "message": "This model's maximum context length is 10 tokens",
                    "code": "context_length_exceeded",
                }
            },
            errors.ContextTooLongError,
            "context_length_exceeded",
            "maximum context length",
        ),
    ],
)
def test_each_known_shape_of_an_error(
    status: int, body: object, kind: type[errors.RefusedError], code: str | None, words: str
) -> None:
    error = refusal(response(status, body))
    assert type(error) is kind
    assert error.status == status
    assert words in str(error)
    if code is not None:
        assert error.error_code == code


def test_the_request_id_is_read_from_the_headers_or_from_the_details() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RequestInfo", "request_id": "in-body"}]
    body = {"error_code": "X", "message": "m", "details": details}
    assert refusal(response(400, body)).request_id == "in-body"
    assert refusal(response(400, body, x_request_id="in-header")).request_id == "in-header"


def test_server_text_is_bounded_and_cannot_drive_a_terminal() -> None:
    error = refusal(response(400, {"error_code": "X", "message": "\x1b]0;pwned\x07" + "a" * 10_000}))
    assert "\x1b" not in str(error)
    assert "\x07" not in str(error)
    assert len(str(error)) < 1_000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 30.0),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date_by_the_servers_own_clock(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers) == seconds


BODY: dict[str, Any] = {
    "messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}],
    "temperature": 0,
    "stream_options": {"include_usage": True},
    "tools": [
        {"type": "function", "function": {"name": "f", "strict": True, "parameters": {"properties": {"strict": {}}}}}
    ],
}


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ('Bad request: json: unknown field "stream_options"', ("stream_options",)),
        ("stream_options: Extra inputs are not permitted", ("stream_options",)),
        ("Unsupported value: 'temperature' does not support 0 with this model.", ("temperature",)),
        ("`temperature` is deprecated for this model.", ("temperature",)),
        ("tools.0.custom.strict: Extra inputs are not permitted", ("strict",)),
        ("messages.0.content.0.cache_control: Extra inputs are not permitted", ("cache_control",)),
        ("temperature and stream_options are not supported", ("stream_options", "temperature")),
        ("temperature must be between 0 and 2", ()),
        ('unknown field "top_p"', ()),
        ("temperature_scale is not supported", ()),
        ("messages: Extra inputs are not permitted", ()),
    ],
)
def test_only_what_is_refused_as_such_and_was_sent_is_dropped(message: str, named: tuple[str, ...]) -> None:
    error = refusal(response(400, {"error_code": "BAD_REQUEST", "message": message}))
    assert refused_parameters(error, BODY) == named


def test_no_other_error_drops_anything() -> None:
    error = refusal(response(500, {"error_code": "X", "message": "temperature is not supported"}))
    assert refused_parameters(error, BODY) == ()


def test_dropping_strict_leaves_a_property_of_that_name() -> None:
    function = without(BODY, {"strict"})["tools"][0]["function"]  # type: ignore[index]
    assert function == {"name": "f", "parameters": {"properties": {"strict": {}}}}


def test_dropping_changes_a_copy() -> None:
    before = json.dumps(BODY)
    without(BODY, {"strict", "cache_control", "temperature"})
    assert json.dumps(BODY) == before


@pytest.mark.parametrize("value", [object(), float("nan"), "\ud800"])
def test_what_is_no_json_is_refused_before_it_is_sent(value: object) -> None:
    with pytest.raises(errors.InvalidRequestError):
        encode({"messages": value})


@pytest.mark.parametrize("name", ["../x", "a/b", "a b", "ü"])
def test_an_endpoint_name_cannot_leave_its_path_segment(name: str) -> None:
    segment = invocation_path(name).removeprefix("/serving-endpoints/").removesuffix("/invocations")
    assert "/" not in segment


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(errors.InvalidRequestError):
        invocation_path(name)
