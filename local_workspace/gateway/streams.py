"""Where texts stand in the events of a stream, for each API: running on from event to event, or whole at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from local_workspace.gateway import measure, texts
from local_workspace.gateway.bodies import written

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from local_workspace.gateway.guardrails import Guardrail


class _Piece(NamedTuple):
    """A piece of a text that runs on: the object and its field that hold it, and which text it belongs to."""

    holder: dict[str, Any]
    field: str
    of: Hashable


def judged(body: bytes, guardrail: Guardrail) -> bytes:
    """Let a guardrail read a stream, and return it with what that hides hidden.

    A text is read as one, since what is to be hidden may stand in several pieces of it; its first piece then carries it
    all.

    Args:
        body: The whole stream.
        guardrail: Reads it.
    """
    running: dict[Hashable, str] = {}
    for event in measure.events(body):
        for holder, field, of in _pieces(event):
            running[of] = running.get(of, "") + holder[field]
    hidden = {text: guardrail.read(text) for text in running.values()}

    def hide(text: str) -> str:
        if text not in hidden:  # what ran on is said once more as a whole, but some agents say it only so
            hidden[text] = guardrail.read(text)
        return hidden[text]

    lines = []
    for line in body.splitlines(keepends=True):
        for event in measure.events(line):
            for holder, field, of in _pieces(event):
                if holder[field]:
                    holder[field] = hidden[running.pop(of)] if of in running else ""
            line = b"data: " + written(_finished(event, hide)) + b"\n"  # noqa: PLW2901 - with its text replaced
        lines.append(line)
    return body if all(text == shown for text, shown in hidden.items()) else b"".join(lines)


def _pieces(event: dict[str, Any]) -> Iterator[_Piece]:
    for choice in _objects(event.get("choices")):
        of = ("choice", choice.get("index"))
        yield from _texts(choice, "text", of)
        for delta in _objects([choice.get("delta")]):
            yield from _texts(delta, "content", of)
            yield from _texts(delta, "reasoning_content", (*of, "reasoning"))
    for candidate in _objects(event.get("candidates")):  # Gemini's
        for content in _objects([candidate.get("content")]):
            yield from _texts(content, "parts", ("candidate", candidate.get("index")))
    for holder in _objects([event.get("content_block"), event.get("delta")]):  # Anthropic's messages
        for field in ("text", "thinking"):
            yield from _texts(holder, field, ("block", event.get("index")))
    if str(event.get("type")).endswith("_text.delta"):  # OpenAI's responses: of an output, or of a summary of reasoning
        place = (event.get(each) for each in ("output_index", "content_index", "summary_index"))
        yield from _texts(event, "delta", ("output", *place))


def _texts(holder: dict[str, Any], field: str, of: tuple[Hashable, ...]) -> Iterator[_Piece]:
    if isinstance(holder.get(field), str):
        yield _Piece(holder, field, of)
    for part in _objects(holder.get(field)):  # Claude's content is a list where it reasons
        yield from _texts(part, "text", of)
        yield from _texts(part, "summary", (*of, "reasoning"))


def _finished(event: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Return an event of OpenAI's responses with the texts changed that it repeats as a whole."""
    changed = dict(event)
    if str(event.get("type")).endswith("_text.done"):
        changed = texts.of_part(event, change)
    if "part" in event:
        changed["part"] = texts.of_part(event["part"], change)
    if "item" in event:
        changed["item"] = texts.of_message(event["item"], change)
    if isinstance(event.get("response"), dict):
        changed["response"] = texts.of_answer(event["response"], change)
    return changed


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
