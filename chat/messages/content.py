"""Content as models send it: a string, or a list of blocks in which reasoning comes with its signature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


class Content:
    """Joins the pieces of one answer's content and keeps them replayable.

    Plain text stays plain. Blocks keep their order, type and signatures, since a reasoning block must go back to the
    model exactly as it came (litellm issue 36931). Pieces of a stream that continue the last block are joined to it;
    a bare string between blocks is a text block.
    """

    def __init__(self) -> None:
        self._plain: list[str] = []
        self._blocks: list[dict[str, object]] = []

    def add(self, piece: object) -> None:
        """Take in the `content` of a message or a delta; null adds nothing."""
        if isinstance(piece, str):
            self._add_text(piece)
            return
        for block in blocks_of(piece):
            self._add_block(block)

    def add_reasoning(self, text: str) -> None:
        """Take in reasoning that came outside the content; see `reasoning_beside`."""
        self._add_block(reasoning_block(text))

    @property
    def text(self) -> str:
        """The answer's text, without its reasoning."""
        return "".join(map(text_of, self._blocks)) if self._blocks else "".join(self._plain)

    @property
    def reasoning(self) -> str:
        """The reasoning's text, or an empty string."""
        return "".join(map(reasoning_of, self._blocks))

    @property
    def value(self) -> str | list[dict[str, object]]:
        """The content to send back in the next turn: a string where a string says it all, else the blocks."""
        if all(set(block) == {"type", "text"} and block["type"] == "text" for block in self._blocks):
            return self.text
        return self._blocks

    def _add_text(self, text: str) -> None:
        if not text:
            return
        if self._blocks:
            self._add_block({"type": "text", "text": text})
        else:
            self._plain.append(text)

    def _add_block(self, block: Mapping[str, object]) -> None:
        if not self._blocks and self._plain:
            self._blocks.append({"type": "text", "text": "".join(self._plain)})
            self._plain.clear()
        if not self._blocks or not _joined(self._blocks[-1], block):
            self._blocks.append(_copied(block))


def blocks_of(content: object) -> Iterator[Mapping[str, object]]:
    """Yield the blocks of a list content; strings in it count as text, a lone string or block as a list of one."""
    if isinstance(content, str):
        if content:
            yield {"type": "text", "text": content}
        return
    if isinstance(content, Mapping):
        yield content
        return
    if not isinstance(content, Sequence):
        return
    for each in content:
        if isinstance(each, str):
            yield {"type": "text", "text": each}
        elif isinstance(each, Mapping):
            yield each


def text_of(block: Mapping[str, object]) -> str:
    """Read a block's text; blocks of any other kind than text have none."""
    return str(block.get("text") or "") if block.get("type") in {"text", "output_text"} else ""


def reasoning_of(block: Mapping[str, object]) -> str:
    """Read a reasoning block's text: its summary's, or Anthropic's `thinking`; other blocks have none."""
    if block.get("type") == "reasoning":
        return "".join(str(each.get("text") or "") for each in _summary(block))
    return str(block.get("thinking") or "") if block.get("type") == "thinking" else ""


def reasoning_beside(message: Mapping[str, object]) -> str:
    """Read the reasoning that a message or a delta has beside its content: DeepSeek's name for it, or vLLM's."""
    thoughts = message.get("reasoning_content") or message.get("reasoning")
    return thoughts if isinstance(thoughts, str) else ""


def reasoning_block(text: str) -> dict[str, object]:
    """Write reasoning text as Databricks' reasoning block."""
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}


def _joined(last: dict[str, object], block: Mapping[str, object]) -> bool:
    """Append a block to the one before if it continues it, and say whether it did."""
    if last.get("type") != block.get("type"):
        return False
    if block.get("type") == "text":
        # anything else that a text block carries (citations, cache_control) makes it a block of its own
        if set(last) | set(block) != {"type", "text"}:
            return False
        last["text"] = f"{text_of(last)}{text_of(block)}"
        return True
    if block.get("type") == "reasoning":
        return _joined_summary(last, block)
    return False


def _joined_summary(last: dict[str, object], block: Mapping[str, object]) -> bool:
    summary = _summary(last)
    if not summary or "signature" in summary[-1]:  # signed: that block is complete
        return False
    for each in _summary(block):
        summary[-1]["text"] = f"{summary[-1].get('text') or ''}{each.get('text') or ''}"
        summary[-1].update({name: value for name, value in each.items() if name not in {"type", "text"} and value})
    return True


def _summary(block: Mapping[str, object]) -> list[dict[str, object]]:
    summary = block.get("summary")
    return [each for each in summary if isinstance(each, dict)] if isinstance(summary, list) else []


def _copied(block: Mapping[str, object]) -> dict[str, object]:
    """Copy a block two levels deep: joining must not write into the chunk that the caller was handed."""
    return {
        name: [dict(each) if isinstance(each, Mapping) else each for each in value]
        if isinstance(value, list)
        else value
        for name, value in block.items()
    }
