"""What a caller may send to a serving endpoint, and the refusals in Databricks' words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_workspace.errors import bad_request
from local_workspace.upstreams import json_bodies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.errors import ApiError

PAYLOAD_LIMIT = 4 * 1024 * 1024
"""Bytes that a call to a foundation or external model may have."""

CUSTOM_PAYLOAD_LIMIT = 16 * 1024 * 1024
"""Bytes that a call to a custom model may have."""

_OURS = frozenset({"usage_context", "client_request_id", "extra_params"})
"""Fields that Databricks itself reads; they never reach an upstream as such."""

_SAMPLING = frozenset({
    "model", "temperature", "top_p", "top_k", "stop", "n", "seed", "stream", "stream_options", "user",
    "frequency_penalty", "presence_penalty", "logit_bias", "max_tokens",
})  # fmt: skip
_CHAT = frozenset({
    "messages", "tools", "tool_choice", "parallel_tool_calls", "response_format", "logprobs", "top_logprobs",
    "max_completion_tokens", "reasoning_effort", "thinking", "functions", "function_call", "modalities", "audio",
    "prediction", "metadata", "store", "service_tier", "verbosity", "web_search_options", "safety_identifier",
    "prompt_cache_key", "custom_inputs",
})  # fmt: skip
_FIELDS: Mapping[str, frozenset[str]] = {
    "llm/v1/chat": _OURS | _SAMPLING | _CHAT,
    "llm/v1/completions": _OURS | _SAMPLING | {"prompt", "suffix", "echo", "best_of", "logprobs"},
    "llm/v1/embeddings": _OURS | {"input", "model", "dimensions", "encoding_format", "user", "instruction"},
}
_REQUIRED: Mapping[str, str] = {
    "llm/v1/chat": "messages",
    "llm/v1/completions": "prompt",
    "llm/v1/embeddings": "input",
}


def parse(payload: bytes) -> dict[str, Any]:
    """Read a call's body.

    Raises:
        ApiError: It is no JSON object.
    """
    try:
        return json_bodies.read_object(payload)
    except ValueError:
        raise bad_request("Unable to parse json body for request.") from None


def check(body: Mapping[str, Any], *, task: str) -> None:
    """Check a call's body against its endpoint's task.

    Raises:
        ApiError: An unknown field, a missing one, or messages of the wrong shape.
    """
    for name in body:
        if name not in _FIELDS[task]:
            raise bad_request(f'Bad request: json: unknown field "{name[:64]}"')
    required = _REQUIRED[task]
    if body.get(required) is None:
        raise bad_request(f"Bad request: missing required field '{required}'")
    if task == "llm/v1/chat":
        _check_messages(body["messages"])


def for_upstream(body: Mapping[str, Any], *, model: str | None) -> bytes:
    """Write the body that the upstream gets: without Databricks' own fields, and asking for its model.

    Args:
        body: What the caller sent.
        model: The upstream's model; None where the URL names it.
    """
    forwarded = upstream_fields(body)
    if model is not None:
        forwarded["model"] = model
    return json.dumps(forwarded, separators=(",", ":"), ensure_ascii=False).encode()


def upstream_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a caller's body is meant for the upstream."""
    forwarded = {name: value for name, value in body.items() if name not in _OURS and name != "model"}
    extra = body.get("extra_params")
    return forwarded | extra if isinstance(extra, dict) else forwarded


def _check_messages(messages: object) -> None:
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise _misshapen("messages", "an array of objects")
    if not messages:
        raise bad_request("Bad request: field 'messages' must not be empty")
    for message in messages:
        if not isinstance(message.get("role"), str):
            raise _misshapen("messages.role", "a string")
        content = message.get("content")
        if content is not None and not isinstance(content, str | list):
            raise _misshapen("messages.content", "a string or an array of content parts")


def _misshapen(field: str, expected: str) -> ApiError:
    return bad_request(f"Unable to parse json body for request, field '{field}' expects {expected}.")
