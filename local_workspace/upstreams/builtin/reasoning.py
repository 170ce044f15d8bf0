"""Extended thinking: what the built-in model says before its answer, and the signature that must come back with it."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local_workspace.upstreams.builtin.prompt import Prompt

_SHOWN = 80  # characters of the question that the thoughts repeat


def is_asked_for(request: Mapping[str, Any]) -> bool:
    """Whether a chat request asks for reasoning: by Claude's `thinking` or by the other models' `reasoning_effort`."""
    match request:
        case {"thinking": {"type": "enabled" | "adaptive"}}:
            return True
        case _:
            return request.get("reasoning_effort") not in {None, "none"}


def thoughts(prompt: Prompt) -> str:
    """What the model thinks about a question before it answers."""
    question = " ".join(prompt.question.text.split())[:_SHOWN]
    return f'The user says "{question}". What is asked here? I answer that and nothing else.'


def signature(text: str) -> str:
    """The signature of reasoning; whoever changes the text cannot make the right one by accident."""
    return base64.b64encode(hashlib.blake2b(text.encode(), digest_size=24, key=b"built-in model").digest()).decode()


def block(text: str, *, signed: str | None = None) -> dict[str, Any]:
    """Reasoning as a content block in Databricks' shape."""
    part = {"type": "summary_text", "text": text}
    return {"type": "reasoning", "summary": [part if signed is None else {**part, "signature": signed}]}


def forged(messages: Iterable[Mapping[str, Any]]) -> str | None:
    """Find reasoning of an earlier turn that does not come back as it was sent, and say where it is."""
    for place, message in enumerate(messages):
        content = message.get("content")
        for position, part in enumerate(content if isinstance(content, list) else ()):
            if isinstance(part, dict) and part.get("type") == "reasoning" and not _is_ours(part):
                return f"messages.{place}.content.{position}"
    return None


def _is_ours(part: Mapping[str, Any]) -> bool:
    match part.get("summary"):
        case [{"text": str(text), "signature": signed}]:
            return bool(signed == signature(text))
        case _:
            return False
