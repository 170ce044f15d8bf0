"""Read a request's messages into turns: who said what, and what was attached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.builtin import attachments, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_TOKENS_A_MESSAGE = 4  # what OpenAI's chat format costs around each message
_TOKENS_AN_ATTACHMENT = 85  # what OpenAI charges for a low-detail image


@dataclass(frozen=True, slots=True)
class Turn:
    """One message: its role, its text, and a sentence fragment for each attachment."""

    role: str
    text: str
    attachments: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    """Names of the tools that an assistant turn called, in order."""
    answers: str | None = None
    """The tool call's id that a tool turn answers."""

    @property
    def token_count(self) -> int:
        """What this turn costs of the prompt."""
        return tokens.count(self.text) + _TOKENS_A_MESSAGE + _TOKENS_AN_ATTACHMENT * len(self.attachments)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation, read."""

    turns: tuple[Turn, ...]

    @property
    def last(self) -> Turn:
        """The turn to be answered."""
        return self.turns[-1] if self.turns else Turn(role="user", text="")

    @property
    def question(self) -> Turn:
        """The user's last turn."""
        return next((turn for turn in reversed(self.turns) if turn.role == "user"), self.last)

    def texts(self, *roles: str) -> tuple[str, ...]:
        """The texts said in these roles, oldest first."""
        return tuple(turn.text for turn in self.turns if turn.role in roles)

    def tool_results(self) -> tuple[tuple[str, str], ...]:
        """The tools' results since the user last spoke, as (tool name, result)."""
        names: list[str] = []
        results: list[str] = []
        for turn in reversed(self.turns):
            if turn.role == "user":
                break
            if turn.role in {"tool", "function"}:
                results.append(turn.text)
            names = [*turn.called, *names]
        results.reverse()
        padded = names + ["the tool"] * (len(results) - len(names))
        return tuple(zip(padded, results, strict=False))


def read_prompt(messages: Iterable[Mapping[str, Any]]) -> Prompt:
    """Read chat messages, tolerating what a stricter door would already have refused."""
    return Prompt(tuple(_read_turn(message) for message in messages))


def _read_turn(message: Mapping[str, Any]) -> Turn:
    text, attached = _read_content(message.get("content"))
    calls = message.get("tool_calls") or ()
    return Turn(
        role=str(message.get("role", "user")),
        text=text,
        attachments=attached,
        called=tuple(str(call.get("function", {}).get("name", "")) for call in calls),
        answers=message.get("tool_call_id"),
    )


def _read_content(content: str | Sequence[Mapping[str, Any] | str] | None) -> tuple[str, tuple[str, ...]]:
    if content is None:
        return "", ()
    if isinstance(content, str):
        return content, ()
    texts: list[str] = []
    attached: list[str] = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif not isinstance(part, dict):
            continue
        elif "text" in part:
            texts.append(str(part["text"]))
        elif (description := _describe(part)) is not None:
            attached.append(description)
    return "\n".join(texts), tuple(attached)


def _describe(part: Mapping[str, Any]) -> str | None:
    match part:
        case {"image_url": {"url": str(url)}} | {"image_url": str(url)}:
            return attachments.describe_image(url)
        case {"input_audio": dict() as audio}:
            return attachments.describe_audio(audio)
        case {"file": dict() as file}:
            return attachments.describe_file(file)
        case {"type": "input_file"}:
            return attachments.describe_file(part)
        case _:
            return None
