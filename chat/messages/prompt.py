"""What callers may pass as a prompt, and the one shape that goes over the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from chat.errors import InvalidRequestError
from chat.messages.answer import Answer

Turn: TypeAlias = "str | tuple[str, object] | Mapping[str, object] | Answer"
Prompt: TypeAlias = "Turn | Iterable[Turn]"

# LangChain's names for the roles, so that the tuples of its documentation work here too.
_ROLES = {"human": "user", "ai": "assistant"}
_PAIR = 2


def as_messages(prompt: Prompt) -> list[dict[str, object]]:
    """Write a prompt as the API's list of messages.

    Args:
        prompt: a string (one user message), a message object, or several of: string, `(role, content)`, message
            object, and the `Answer` of an earlier turn.

    Raises:
        InvalidRequestError: it is none of these, or there is no message in it.
    """
    turns = [prompt] if isinstance(prompt, (str, Mapping, Answer)) else prompt
    if not isinstance(turns, Iterable):
        raise _unfit(prompt)
    messages = [_message(turn) for turn in turns]
    if not messages:
        raise InvalidRequestError("The prompt holds no message.", remedy="Pass a string or a list of messages.")
    return messages


def _message(turn: object) -> dict[str, object]:
    if isinstance(turn, str):
        return {"role": "user", "content": turn}
    if isinstance(turn, Answer):
        return turn.message
    if isinstance(turn, Mapping):
        if not isinstance(turn.get("role"), str):
            raise InvalidRequestError("A message has no role.", remedy='Write {"role": "user", "content": "…"}.')
        return dict(turn)
    if isinstance(turn, Sequence) and len(turn) == _PAIR and isinstance(turn[0], str):
        return {"role": _ROLES.get(turn[0], turn[0]), "content": turn[1]}
    raise _unfit(turn)


def _unfit(turn: object) -> InvalidRequestError:
    return InvalidRequestError(
        f"A {type(turn).__name__} is no message.",
        remedy='Pass a string, ("user", "…") or {"role": "user", "content": "…"}, or a list of them.',
    )
