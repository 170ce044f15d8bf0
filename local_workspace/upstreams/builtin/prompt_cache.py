"""Claude's prompt cache: how much of a prompt was kept for the next call, or was there already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local_workspace.upstreams.builtin.prompt import Prompt

_SHORTEST = 1024  # tokens below which Claude keeps nothing


def counts(messages: Sequence[Mapping[str, Any]], prompt: Prompt) -> dict[str, int]:
    """Count what `cache_control` marks make of a prompt, in the usage fields that Databricks adds for it.

    The built-in model remembers nothing between calls, so that it always answers the same: what stands before an
    earlier answer counts as kept by the call that asked for it, anything else as kept by this one.

    Args:
        messages: The request's messages.
        prompt: The same, read.
    """
    marked = [place for place, message in enumerate(messages) if _is_marked(message.get("content"))]
    if not marked:
        return {}
    answered = [place for place, turn in enumerate(prompt.turns) if turn.role == "assistant"]
    end = marked[-1] + 1
    start = max((place + 1 for place in marked if answered and place < answered[-1]), default=0)
    read, written = (
        sum(turn.token_count for turn in turns) for turns in (prompt.turns[:start], prompt.turns[start:end])
    )
    if read + written < _SHORTEST:
        read = written = 0
    return {"cache_read_input_tokens": read, "cache_creation_input_tokens": written}


def _is_marked(content: object) -> bool:
    return isinstance(content, list) and any(isinstance(part, dict) and part.get("cache_control") for part in content)
