"""What OpenAI's API takes: the fields of each request, and the rules between messages."""

from __future__ import annotations

from typing import Any

from local_workspace.upstreams.simulators.fields import Either, Fields, Flag, Items, Number, Rule, Text, check
from local_workspace.upstreams.simulators.openai_errors import RefusedError

_ANY = Fields(is_open=True)
_TEXT_OR_TOKENS = Either((Text(), Number(whole=True), Items(Number(whole=True))))
_SCHEMA = Fields({"name": Text(), "description": Text(), "schema": _ANY, "strict": Flag()}, required=("name",))
_FUNCTION = Fields({"name": Text(), "description": Text(), "parameters": _ANY, "strict": Flag()}, required=("name",))
_PART = Fields(
    {
        "type": Text(("text", "image_url", "input_audio", "file", "refusal")),
        "text": Text(),
        "refusal": Text(),
        "image_url": Fields({"url": Text(), "detail": Text(("auto", "low", "high"))}, required=("url",)),
        "input_audio": Fields({"data": Text(), "format": Text(("wav", "mp3"))}, required=("data", "format")),
        "file": Fields({"file_data": Text(), "file_id": Text(), "filename": Text()}),
    },
    required=("type",),
)
_CALL = Fields(
    {
        "id": Text(),
        "type": Text(("function", "custom")),
        "function": Fields({"name": Text(), "arguments": Text()}, required=("name", "arguments")),
        "custom": _ANY,
        "index": Number(whole=True),
    },
    required=("id", "type"),
)
_MESSAGE = Fields(
    {
        "role": Text(("system", "assistant", "user", "function", "tool", "developer")),
        "content": Either((Text(), Items(_PART))),
        "name": Text(),
        "tool_calls": Items(_CALL, fewest=1),
        "tool_call_id": Text(),
        "function_call": _ANY,
        "refusal": Text(),
        "audio": _ANY,
        "annotations": Items(_ANY),
    },
    required=("role",),
)
_SAMPLING: dict[str, Rule] = {
    "model": Text(),
    "frequency_penalty": Number(-2, 2),
    "logit_bias": _ANY,
    "n": Number(1, 128, whole=True),
    "presence_penalty": Number(-2, 2),
    "seed": Number(whole=True),
    "stop": Either((Text(), Items(Text(), most=4))),
    "stream": Flag(),
    "stream_options": Fields({"include_usage": Flag(), "include_obfuscation": Flag()}),
    "temperature": Number(0, 2),
    "top_p": Number(0, 1),
    "user": Text(),
}
CHAT = Fields(
    {
        **_SAMPLING,
        "messages": Items(_MESSAGE, fewest=1),
        "audio": _ANY,
        "function_call": Either((Text(), _ANY)),
        "functions": Items(_FUNCTION, fewest=1),
        "logprobs": Flag(),
        "max_completion_tokens": Number(1, whole=True),
        "max_tokens": Number(1, whole=True),
        "metadata": _ANY,
        "modalities": Items(Text(("text", "audio"))),
        "parallel_tool_calls": Flag(),
        "prediction": _ANY,
        "prompt_cache_key": Text(),
        "prompt_cache_retention": Text(),
        "reasoning_effort": Text(("none", "minimal", "low", "medium", "high", "xhigh")),
        "response_format": Fields(
            {"type": Text(("json_object", "json_schema", "text")), "json_schema": _SCHEMA}, required=("type",)
        ),
        "safety_identifier": Text(),
        "service_tier": Text(),
        "store": Flag(),
        "tool_choice": Either((Text(("none", "auto", "required")), _ANY)),
        "tools": Items(
            Fields({"type": Text(("function", "custom")), "function": _FUNCTION, "custom": _ANY}, required=("type",)),
            fewest=1,
        ),
        "top_logprobs": Number(0, 20, whole=True),
        "verbosity": Text(("low", "medium", "high")),
        "web_search_options": _ANY,
    },
    required=("model", "messages"),
)
COMPLETION = Fields(
    {
        **_SAMPLING,
        "prompt": Either((Text(), Items(_TEXT_OR_TOKENS, fewest=1))),
        "best_of": Number(1, 20, whole=True),
        "echo": Flag(),
        "logprobs": Number(0, 5, whole=True),
        "max_tokens": Number(0, whole=True),
        "suffix": Text(),
    },
    required=("model", "prompt"),
)
EMBEDDING = Fields(
    {
        "model": Text(),
        "input": Either((Text(), Items(_TEXT_OR_TOKENS, 1, 2048))),
        "dimensions": Number(1, whole=True),
        "encoding_format": Text(("float", "base64")),
        "user": Text(),
    },
    required=("model", "input"),
)
_ITEM = Fields(
    {
        "type": Text(),
        "role": Text(),
        "content": Either((Text(), Items(_ANY))),
        "id": Text(),
        "name": Text(),
        "arguments": Text(),
        "call_id": Text(),
        "output": Either((Text(), Items(_ANY), _ANY)),
    },
    is_open=True,
)
_RESPONSE_TOOL = Fields(
    {"type": Text(), "name": Text(), "description": Text(), "parameters": _ANY, "strict": Flag()},
    required=("type",),
    is_open=True,
)
RESPONSE = Fields(
    {
        "model": Text(),
        "input": Either((Text(), Items(_ITEM))),
        "background": Flag(),
        "conversation": Either((Text(), _ANY)),
        "include": Items(Text()),
        "instructions": Text(),
        "max_output_tokens": Number(16, whole=True),
        "max_tool_calls": Number(whole=True),
        "metadata": _ANY,
        "parallel_tool_calls": Flag(),
        "previous_response_id": Text(),
        "prompt": _ANY,
        "prompt_cache_key": Text(),
        "prompt_cache_retention": Text(),
        "reasoning": _ANY,
        "safety_identifier": Text(),
        "service_tier": Text(),
        "store": Flag(),
        "stream": Flag(),
        "stream_options": _ANY,
        "temperature": Number(0, 2),
        "text": Fields(
            {"format": Fields({"type": Text(), "name": Text(), "schema": _ANY}, is_open=True)}, is_open=True
        ),
        "tool_choice": Either((Text(("none", "auto", "required")), _ANY)),
        "tools": Items(_RESPONSE_TOOL),
        "top_logprobs": Number(0, 20, whole=True),
        "top_p": Number(0, 1),
        "truncation": Text(("auto", "disabled")),
        "user": Text(),
    },
    required=("model",),
)


LENIENT_CHAT = Fields(
    {
        **CHAT.known,
        "messages": Items(
            Fields({"role": Text(), "content": Either((Text(), Items(_ANY))), "tool_calls": Items(_CALL)}, is_open=True)
        ),
    },
    is_open=True,
)
"""Chat as models beside OpenAI's take it: the same fields of the same types, other fields and parts besides."""


def check_chat(body: dict[str, Any]) -> None:
    """Check a chat request as OpenAI does.

    Raises:
        RefusedError: The 400 that OpenAI answers.
    """
    check(body, CHAT)
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise RefusedError(
            400,
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            code="invalid_parameter_combination",
        )
    _check_between_fields(body)
    _check_tool_turns(body["messages"])


def _check_between_fields(body: dict[str, Any]) -> None:
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise RefusedError(400, "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.")
    if body.get("tool_choice") is not None and not body.get("tools"):
        raise RefusedError(
            400, "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
            param="tool_choice",
        )  # fmt: skip
    if body.get("stream_options") is not None and not body.get("stream"):
        raise RefusedError(
            400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    _check_named_tool(body)
    response_format = body.get("response_format") or {}
    if response_format.get("type") == "json_schema" and "json_schema" not in response_format:
        raise RefusedError(
            400, "Missing required parameter: 'response_format.json_schema'.",
            param="response_format.json_schema", code="missing_required_parameter",
        )  # fmt: skip
    if response_format.get("type") == "json_object" and "json" not in str(body["messages"]).lower():
        raise RefusedError(
            400,
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            param="messages",
        )


def _check_named_tool(body: dict[str, Any]) -> None:
    choice = body.get("tool_choice")
    if not isinstance(choice, dict) or choice.get("type") != "function":
        return
    name = (choice.get("function") or {}).get("name")
    if name not in {tool.get("function", {}).get("name") for tool in body["tools"]}:
        raise RefusedError(400, f"Tool choice '{name}' not found in 'tools' parameter.", param="tool_choice")


def _check_tool_turns(messages: list[dict[str, Any]]) -> None:
    """Each tool call is answered by the turns right after it, and a tool turn answers nothing else."""
    open_calls: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if not open_calls and not _follows_tool_turn(messages, index):
                raise RefusedError(
                    400,
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                    "'tool_calls'.",
                    param=f"messages.[{index}].role",
                )
            open_calls = [call for call in open_calls if call != message.get("tool_call_id")]
            continue
        if open_calls:
            raise _unanswered(open_calls, index)
        open_calls = [call["id"] for call in message.get("tool_calls") or ()]
    if open_calls:
        raise _unanswered(open_calls, len(messages))


def _follows_tool_turn(messages: list[dict[str, Any]], index: int) -> bool:
    return index > 0 and messages[index - 1]["role"] == "tool"


def _unanswered(calls: list[str], index: int) -> RefusedError:
    return RefusedError(
        400,
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
        f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(calls)}",
        param=f"messages.[{index}].role",
    )
