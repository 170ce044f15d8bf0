"""Where texts stand in the bodies of calls and answers, for each API's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def of_request(body: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Return a call's body with what its user wrote changed: messages of users, prompts, inputs."""
    changed = dict(body)
    for field in ("messages", "input", "contents"):
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
        changed["content"] = [of_part(each, change) for each in blocks]
    if isinstance(items := body.get("output"), list):  # OpenAI's responses
        changed["output"] = [of_message(each, change) for each in items]
    if isinstance(candidates := body.get("candidates"), list):  # Gemini's
        changed["candidates"] = [_candidate(each, change) for each in candidates]
    return changed


def _item(item: object, change: Callable[[str], str]) -> object:
    if isinstance(item, str):
        return change(item)
    if isinstance(item, dict) and item.get("role", "user") == "user":
        return of_message(item, change)
    return item


def _choice(choice: object, change: Callable[[str], str]) -> object:
    if not isinstance(choice, dict):
        return choice
    if isinstance(choice.get("text"), str):
        return {**choice, "text": change(choice["text"])}
    return {**choice, "message": of_message(choice["message"], change)} if "message" in choice else choice


def _candidate(candidate: object, change: Callable[[str], str]) -> object:
    if not isinstance(candidate, dict) or "content" not in candidate:
        return candidate
    return {**candidate, "content": of_message(candidate["content"], change)}


def of_message(holder: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - any JSON value passes
    """Return a message, or an item of an answer, with its text and its reasoning changed."""
    return _with_texts(holder, ("content", "parts", "summary", "reasoning_content"), change)


def of_part(part: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - as above
    """Return a part of a message with its text changed."""
    return change(part) if isinstance(part, str) else _with_texts(part, ("text", "thinking", "summary"), change)


def _with_texts(holder: Any, fields: tuple[str, ...], change: Callable[[str], str]) -> Any:  # noqa: ANN401 - as above
    if not isinstance(holder, dict):
        return holder
    changed = dict(holder)
    for field in fields:
        value = holder.get(field)
        if isinstance(value, str):
            changed[field] = change(value)
        elif isinstance(value, list):
            changed[field] = [of_part(each, change) for each in value]
    return changed


def _each_text(value: object, change: Callable[[str], str]) -> object:
    return [of_part(each, change) for each in value] if isinstance(value, list) else value
