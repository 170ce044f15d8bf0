"""OpenAI's Responses API, answered by the built-in chat model: items in, items out, and its named events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.builtin.chat_model import answer
from local_workspace.upstreams.builtin.chat_wire import event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from local_workspace.upstreams.builtin.chat_model import Answer

_SAME_IN_CHAT = ("temperature", "top_p", "seed", "parallel_tool_calls", "user")
_ECHOED: dict[str, Any] = {
    "instructions": None, "max_output_tokens": None, "metadata": {}, "parallel_tool_calls": True,
    "previous_response_id": None, "reasoning": {"effort": None, "summary": None}, "store": True, "temperature": 1.0,
    "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0, "truncation": "disabled",
    "user": None,
}  # fmt: skip


def respond(request: Mapping[str, Any], *, model: str, created: int) -> dict[str, Any]:
    """Answer a Responses request whole."""
    made = answer(_chat_request(request))
    return _response(request, made, model=model, created=created, status=_status(made), output=_output(made))


def stream(request: Mapping[str, Any], *, model: str, created: int) -> Iterator[bytes]:
    """Answer a Responses request as its named server-sent events, numbered in order."""
    made = answer(_chat_request(request))
    return _numbered(_events(request, made, model=model, created=created))


def _numbered(events: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    for number, body in enumerate(events):
        yield f"event: {body['type']}\n".encode() + event({**body, "sequence_number": number})


def _chat_request(request: Mapping[str, Any]) -> dict[str, Any]:
    """The chat request that means the same."""
    chat: dict[str, Any] = {name: request[name] for name in _SAME_IN_CHAT if request.get(name) is not None}
    chat["messages"] = list(_messages(request))
    if request.get("max_output_tokens") is not None:
        chat["max_tokens"] = request["max_output_tokens"]
    functions = [tool for tool in request.get("tools") or () if tool.get("type") == "function"]
    if functions:
        kept = ("name", "description", "parameters", "strict")
        chat["tools"] = [
            {"type": "function", "function": {key: tool[key] for key in kept if key in tool}} for tool in functions
        ]
        chat["tool_choice"] = request.get("tool_choice") or "auto"
    match (request.get("text") or {}).get("format"):
        case {"type": "json_schema", **schema}:
            chat["response_format"] = {"type": "json_schema", "json_schema": schema}
        case {"type": "json_object"}:
            chat["response_format"] = {"type": "json_object"}
        case _:
            pass
    return chat


def _messages(request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if request.get("instructions"):
        yield {"role": "system", "content": request["instructions"]}
    given = request.get("input") or ""
    if isinstance(given, str):
        yield {"role": "user", "content": given}
        return
    for item in given:
        match item.get("type", "message"):
            case "message":
                yield {"role": item.get("role", "user"), "content": item.get("content")}
            case "function_call":
                called = {"name": item.get("name", ""), "arguments": item.get("arguments", "")}
                call = {"id": item.get("call_id"), "type": "function", "function": called}
                yield {"role": "assistant", "content": None, "tool_calls": [call]}
            case "function_call_output":
                output = item.get("output")
                content = output if isinstance(output, str | list) else json.dumps(output)
                yield {"role": "tool", "content": content, "tool_call_id": item.get("call_id")}
            case _:  # reasoning, searches and the like say nothing that this model could use
                pass


def _status(made: Answer) -> str:
    return "incomplete" if made.choices[0].finish_reason == "length" else "completed"


def _output(made: Answer) -> list[dict[str, Any]]:
    choice = made.choices[0]
    if choice.calls:
        return [
            {
                "type": "function_call",
                "id": f"fc_{made.digest}{index}",
                "call_id": call.id,
                "name": call.name,
                "arguments": call.arguments,
                "status": "completed",
            }
            for index, call in enumerate(choice.calls)
        ]
    return [_message(made, text=choice.text, status=_status(made))]


def _message(made: Answer, *, text: str | None, status: str) -> dict[str, Any]:
    content = [] if text is None else [_part(text)]
    return {
        "type": "message", "id": f"msg_{made.digest}", "status": status, "role": "assistant", "content": content,
    }  # fmt: skip


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _response(
    request: Mapping[str, Any], made: Answer, *, model: str, created: int, status: str, output: list[dict[str, Any]]
) -> dict[str, Any]:
    echoed = {name: default if request.get(name) is None else request[name] for name, default in _ECHOED.items()}
    is_over = status != "in_progress"
    return {
        "id": f"resp_{made.digest}",
        "object": "response",
        "created_at": created,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "model": model,
        "output": output,
        **echoed,
        "usage": {
            "input_tokens": made.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": made.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": made.prompt_tokens + made.completion_tokens,
        }
        if is_over
        else None,
    }


def _events(request: Mapping[str, Any], made: Answer, *, model: str, created: int) -> Iterator[dict[str, Any]]:
    started = _response(request, made, model=model, created=created, status="in_progress", output=[])
    yield {"type": "response.created", "response": started}
    yield {"type": "response.in_progress", "response": started}
    output = _output(made)
    for index, item in enumerate(output):
        if item["type"] == "message":
            yield from _message_events(made, item, index)
        else:
            yield from _call_events(item, index)
    status = _status(made)
    finished = _response(request, made, model=model, created=created, status=status, output=output)
    yield {"type": f"response.{status}", "response": finished}


def _message_events(made: Answer, item: dict[str, Any], index: int) -> Iterator[dict[str, Any]]:
    opening = _message(made, text=None, status="in_progress")
    where = {"item_id": item["id"], "output_index": index, "content_index": 0}
    yield {"type": "response.output_item.added", "output_index": index, "item": opening}
    yield {"type": "response.content_part.added", **where, "part": _part("")}
    choice = made.choices[0]
    for piece in choice.pieces:
        yield {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **where, "text": choice.text, "logprobs": []}
    yield {"type": "response.content_part.done", **where, "part": _part(choice.text)}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _call_events(item: dict[str, Any], index: int) -> Iterator[dict[str, Any]]:
    where = {"item_id": item["id"], "output_index": index}
    opening = {**item, "arguments": "", "status": "in_progress"}
    yield {"type": "response.output_item.added", "output_index": index, "item": opening}
    yield {"type": "response.function_call_arguments.delta", **where, "delta": item["arguments"]}
    yield {
        "type": "response.function_call_arguments.done", **where,
        "name": item["name"], "arguments": item["arguments"],
    }  # fmt: skip
    yield {"type": "response.output_item.done", "output_index": index, "item": item}
