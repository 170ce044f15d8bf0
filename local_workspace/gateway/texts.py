"""Where texts stand in the bodies of calls and answers, for each API's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def of_request(body: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Return a call's body with what its user wrote changed: messages of users, prompts, inputs."""
    changed = dict(body)
    for field in ("messages", "input"):
        if isinstance(items := body.get(field), list):
            changed[field] = [_item(each, change) for each in items]
        elif isinstance(items, str):
            changed[field] = change(items)
    if "prompt" in body:
        prompt = body["prompt"]
        changed["prompt"] = change(prompt) if isinstance(prompt, str) else _each_text(prompt, change)
    return changed


def of_answer(body: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Return an answer's body with what the model wrote changed."""
    changed = dict(body)
    if isinstance(choices := body.get("choices"), list):
        changed["choices"] = [_choice(each, change) for each in choices]
    if isinstance(blocks := body.get("content"), list):  # Anthropic's messages
        changed["content"] = [_part(each, change) for each in blocks]
    if isinstance(items := body.get("output"), list):  # OpenAI's responses
        changed["output"] = [_content(each, change) for each in items]
    return changed


def _item(item: object, change: Callable[[str], str]) -> object:
    if isinstance(item, str):
        return change(item)
    if isinstance(item, dict) and item.get("role", "user") == "user":
        return _content(item, change)
    return item


def _choice(choice: object, change: Callable[[str], str]) -> object:
    if not isinstance(choice, dict):
        return choice
    if isinstance(choice.get("text"), str):
        return {**choice, "text": change(choice["text"])}
    return {**choice, "message": _content(choice["message"], change)} if "message" in choice else choice


def _content(holder: object, change: Callable[[str], str]) -> object:
    if not isinstance(holder, dict):
        return holder
    content = holder.get("content")
    if isinstance(content, str):
        return {**holder, "content": change(content)}
    if isinstance(content, list):
        return {**holder, "content": [_part(each, change) for each in content]}
    return holder


def _part(part: object, change: Callable[[str], str]) -> object:
    if isinstance(part, dict) and isinstance(part.get("text"), str):
        return {**part, "text": change(part["text"])}
    return change(part) if isinstance(part, str) else part


def _each_text(value: object, change: Callable[[str], str]) -> object:
    return [_part(each, change) for each in value] if isinstance(value, list) else value
