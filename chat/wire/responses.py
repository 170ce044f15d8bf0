"""The Responses API: a chat request written as its items, its items read as an answer.

The core speaks one language, that of chat completions; this module is the translation. What has no counterpart
(`stop`, `n`) is sent as it is, for the server to refuse: left out, it would change the answer without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from chat.messages import Choice, ToolCall
from chat.messages.answer import arguments_of
from chat.messages.content import Content, reasoning_of

RESPONSES_PATH = "/serving-endpoints/responses"
"""The path of the Responses API; the body's `model` names the endpoint."""

_FINISHES = {"max_output_tokens": "length", "content_filter": "content_filter"}
_RENAMED = {"max_tokens": "max_output_tokens"}
_TRANSLATED = frozenset({"messages", "stream_options", "reasoning_effort", "response_format", "tools", "tool_choice"})


def responses_body(name: str, body: Mapping[str, object]) -> dict[str, object]:
    """Write a chat request's body as that of a Responses request.

    Args:
        name: the endpoint's name.
        body: the chat request's body, which is not changed.
    """
    messages = cast("list[Mapping[str, object]]", body["messages"])
    written: dict[str, object] = {"model": name, "input": [item for each in messages for item in _items(each)]}
    written |= {_RENAMED.get(key, key): value for key, value in body.items() if key not in _TRANSLATED}
    if body.get("logprobs"):
        del written["logprobs"]
        written["include"] = ["message.output_text.logprobs"]
    if "reasoning_effort" in body:
        written["reasoning"] = {"effort": body["reasoning_effort"]}
    if isinstance(shape := body.get("response_format"), Mapping):
        written["text"] = {"format": _flat(shape, "json_schema")}
    if isinstance(tools := body.get("tools"), Sequence):
        written["tools"] = [_flat(tool, "function") for tool in tools]
    if (choice := body.get("tool_choice")) is not None:
        written["tool_choice"] = _flat(choice, "function") if isinstance(choice, Mapping) else choice
    return written


def read_output(payload: Mapping[str, object]) -> Choice:
    """Read the `output` of a response (or of an agent's answer): its messages, reasoning and calls in their order."""
    content, calls, refusal = Content(), list[ToolCall](), ""
    output = payload.get("output")
    for item in output if isinstance(output, list) else ():
        if not isinstance(item, Mapping):
            continue
        match item.get("type", "message"):
            case "message":
                content.add(text_blocks(item))
                refusal += refusal_of(item)
            case "reasoning":
                content.add([reasoning_item(item)])
            case "function_call":
                calls.append(ToolCall(str(item.get("call_id") or item.get("id") or ""), *_called(item)))
            case _:
                pass  # what the server did on its own (a search) is no part of the answer
    return Choice(
        content=content.value,
        text=content.text,
        reasoning=content.reasoning,
        tool_calls=tuple(calls),
        finish_reason=finish_of(payload, called=bool(calls)),
        refusal=refusal or None,
    )


def finish_of(response: Mapping[str, object], *, called: bool) -> str:
    """Say in the words of chat completions why a response ended.

    Args:
        response: the response object.
        called: whether it asks for tool calls.
    """
    details = response.get("incomplete_details")
    reason = str(details.get("reason") or "") if isinstance(details, Mapping) else ""
    if response.get("status") == "incomplete":
        return _FINISHES.get(reason, "length")
    return "tool_calls" if called else "stop"


def text_blocks(message: Mapping[str, object]) -> object:
    """Read the content of a message item; annotations make a text a block of its own."""
    parts = message.get("content")
    if not isinstance(parts, list):
        return parts
    return [
        {"type": "text", "text": part["text"], **({"annotations": notes} if (notes := part.get("annotations")) else {})}
        if isinstance(part, Mapping) and part.get("type") in {"output_text", "text"} and "text" in part
        else part
        for part in parts
        if not (isinstance(part, Mapping) and part.get("type") == "refusal")
    ]


def refusal_of(message: Mapping[str, object]) -> str:
    """Read what a message item says instead of an answer; empty if it does not refuse."""
    parts = message.get("content")
    listed = parts if isinstance(parts, list) else ()
    return "".join(
        str(part.get("refusal") or "") for part in listed if isinstance(part, Mapping) and part.get("type") == "refusal"
    )


def reasoning_item(item: Mapping[str, object]) -> dict[str, object]:
    """Write a reasoning item as Databricks' reasoning block; its encrypted content is the signature to send back."""
    signature = {"signature": sealed} if (sealed := item.get("encrypted_content")) else {}
    identity = {"id": item["id"]} if item.get("id") else {}
    return {
        "type": "reasoning",
        **identity,
        "summary": [{"type": "summary_text", "text": reasoning_of({**item, "type": "reasoning"}), **signature}],
    }


def _items(message: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Write one chat message as the items that mean the same."""
    role, content = message.get("role"), message.get("content")
    if role == "tool":
        yield {"type": "function_call_output", "call_id": message.get("tool_call_id"), "output": content}
        return
    if role != "assistant":
        parts = [_input_part(part) for part in content] if isinstance(content, list) else content
        yield {"type": "message", "role": role, "content": parts}
        return
    for block in content if isinstance(content, list) else [{"type": "text", "text": content}]:
        if isinstance(block, Mapping) and block.get("type") == "reasoning":
            yield _sealed(block)
        elif text := block if isinstance(block, str) else block.get("text"):
            said = {"type": "output_text", "text": text, "annotations": []}
            yield {"type": "message", "role": "assistant", "content": [said]}
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        name, arguments = _called(call.get("function") or {})
        yield {"type": "function_call", "call_id": call.get("id"), "name": name, "arguments": arguments}


def _sealed(block: Mapping[str, object]) -> dict[str, object]:
    """Write a reasoning block back as the item that it came from."""
    listed = block.get("summary")
    parts = [part for part in listed if isinstance(part, Mapping)] if isinstance(listed, list) else []
    signatures = [part["signature"] for part in parts if part.get("signature")]
    return {
        "type": "reasoning",
        **({"id": block["id"]} if block.get("id") else {}),
        "summary": [{"type": "summary_text", "text": part["text"]} for part in parts if part.get("text")],
        **({"encrypted_content": signatures[-1]} if signatures else {}),
    }


def _input_part(part: object) -> object:
    """Write a part of a user's message; what has no counterpart goes as it is."""
    match part:
        case str():
            return {"type": "input_text", "text": part}
        case {"type": "text", "text": text}:
            return {"type": "input_text", "text": text}
        case {"type": "image_url", "image_url": {"url": url, **more}}:
            return {"type": "input_image", "image_url": url, **more}
        case {"type": "file", "file": {**file}}:
            return {"type": "input_file", **file}
        case _:
            return part


def _flat(holder: object, inner: str) -> object:
    """Lift what chat completions put one level deeper: `{"type", "function": {…}}` is `{"type", …}` here."""
    if isinstance(holder, Mapping) and isinstance(within := holder.get(inner), Mapping):
        return {"type": holder.get("type"), **within}
    return holder


def _called(function: Mapping[str, object]) -> tuple[str, str]:
    return str(function.get("name") or ""), arguments_of(function)
