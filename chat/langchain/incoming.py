"""The core's answers and chunks, written as LangChain's messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall
from langchain_core.messages import ToolCall as LangChainToolCall
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import ToolCallChunk, invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

if TYPE_CHECKING:
    from chat.messages import Answer, Choice, Chunk, ToolCall, Usage

PROVIDER = "databricks"


def to_result(answer: Answer) -> ChatResult:
    """Write an answer as a result: one generation for each of its choices."""
    said = said_of(answer)
    generations = [_generation(choice, answer.usage, said) for choice in answer.choices]
    return ChatResult(generations=generations, llm_output=said)


def said_of(answer: Answer) -> dict[str, Any]:
    """What an answer's metadata say: model, ids, usage in the API's own words, custom outputs."""
    said: dict[str, Any] = {**answer.metadata, "model_provider": PROVIDER}
    if answer.model:
        said |= {"model": answer.model, "model_name": answer.model}
    if answer.id:
        said["id"] = answer.id
    if answer.usage is not None:
        usage = answer.usage
        counts = {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
        }
        said |= {**counts, "usage": counts, "token_usage": counts}
    return said


class ChunkWriter:
    """Writes the chunks of one stream.

    LangChain joins content blocks that carry the same `index`. Blocks are numbered as they begin; once a stream has
    sent a block, its plain text becomes a block too, or text and reasoning would lose their order.
    """

    def __init__(self) -> None:
        self._index = -1
        self._kind = ""

    def write(self, chunk: Chunk) -> ChatGenerationChunk | None:
        """Write the next chunk.

        LangChain joins all that a stream yields to one message, so only the first of `n` choices is written; and the
        core's last chunk is left to `last`. What says nothing (a stream's opening) is left out: joined to blocks, its
        empty text would become one of them.
        """
        if chunk.last or chunk.index:
            return None
        content = self._content(chunk)
        if not (chunk.tool_calls or chunk.finish_reason or chunk.logprobs):
            return _piece(content) if content else None
        told: dict[str, Any] = {"finish_reason": chunk.finish_reason, "logprobs": chunk.logprobs}
        told = {name: value for name, value in told.items() if value}
        calls = [_call_piece(each.index, each.id, each.name, each.arguments) for each in chunk.tool_calls]
        message = AIMessageChunk(content=content, tool_call_chunks=calls, response_metadata=told)
        return ChatGenerationChunk(message=message, generation_info=dict(told) or None)

    def last(self, answer: Answer | None) -> ChatGenerationChunk:
        """Write the stream's end: usage and metadata, once."""
        if answer is None:
            raise AssertionError("a stream that is over has its answer")
        message = AIMessageChunk(
            content="" if self._index < 0 else [],
            additional_kwargs=_beside(answer.choices[0]),
            usage_metadata=to_usage(answer.usage),
            response_metadata=said_of(answer),
            chunk_position="last",
        )
        return ChatGenerationChunk(message=message)

    def _content(self, chunk: Chunk) -> str | list[str | dict[str, Any]]:
        if not chunk.content and not chunk.reasoning:
            return chunk.text if self._index < 0 else self._numbered([_text_block(chunk.text)] if chunk.text else [])
        if chunk.content:
            return self._numbered([to_block(block) for block in chunk.content])
        pieces = [{"type": "reasoning", "reasoning": chunk.reasoning}]
        return self._numbered([*pieces, *([_text_block(chunk.text)] if chunk.text else [])])

    def _numbered(self, blocks: list[dict[str, Any]]) -> list[str | dict[str, Any]]:
        numbered: list[str | dict[str, Any]] = []
        for block in blocks:
            if block["type"] != self._kind or self._kind not in {"text", "reasoning"}:
                self._kind, self._index = block["type"], self._index + 1
            numbered.append({**block, "index": self._index})
            if "extras" in block:  # signed: the next reasoning is another block
                self._kind = ""
        return numbered


def to_block(block: Mapping[str, Any]) -> dict[str, Any]:
    """Write a content block of the wire as LangChain's standard block; what it has no block for passes as it is."""
    if block.get("type") == "reasoning" and isinstance(block.get("summary"), list):
        parts = [part for part in block["summary"] if isinstance(part, Mapping)]
        signatures = [part["signature"] for part in parts if part.get("signature")]
        written = {"type": "reasoning", "reasoning": "".join(str(part.get("text") or "") for part in parts)}
        identity = {"id": block["id"]} if block.get("id") else {}
        return {**written, **identity, **({"extras": {"signature": signatures[-1]}} if signatures else {})}
    if block.get("type") in {"text", "output_text"}:
        return {**block, "type": "text"}
    return {"type": "non_standard", **block}


def to_usage(usage: Usage | None) -> UsageMetadata | None:
    """Write token usage; a counter that was not reported is left out."""
    if usage is None:
        return None
    written = UsageMetadata(
        input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens, total_tokens=usage.total_tokens
    )
    into: dict[str, int | None] = {
        "cache_read": usage.cache_read_tokens,
        "cache_creation": usage.cache_write_tokens,
        "audio": usage.audio_input_tokens,
    }
    out: dict[str, int | None] = {"reasoning": usage.reasoning_tokens, "audio": usage.audio_output_tokens}
    if told := {name: count for name, count in into.items() if count is not None}:
        written["input_token_details"] = InputTokenDetails(**told)  # type: ignore[typeddict-item]  # a subset of its keys
    if told := {name: count for name, count in out.items() if count is not None}:
        written["output_token_details"] = OutputTokenDetails(**told)  # type: ignore[typeddict-item]  # as above
    return written


def _generation(choice: Choice, usage: Usage | None, said: Mapping[str, Any]) -> ChatGeneration:
    calls, invalid = _calls(choice.tool_calls)
    told = {"finish_reason": choice.finish_reason, "logprobs": choice.logprobs}
    info = {name: value for name, value in told.items() if value is not None}
    content = choice.content
    message = AIMessage(
        content=content if isinstance(content, str) else [to_block(block) for block in content],
        additional_kwargs=_beside(choice),
        response_metadata={**said, **info},
        tool_calls=calls,
        invalid_tool_calls=invalid,
        usage_metadata=to_usage(usage),
    )
    return ChatGeneration(message=message, generation_info=info)


def _beside(choice: Choice) -> dict[str, Any]:
    return {**choice.extras, "refusal": choice.refusal} if choice.refusal else {**choice.extras}


def _calls(calls: tuple[ToolCall, ...]) -> tuple[list[LangChainToolCall], list[InvalidToolCall]]:
    """Parse tool calls; what is no JSON object is kept as an invalid call, not lost."""
    valid: list[LangChainToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in calls:
        try:
            arguments = json.loads(call.arguments or "{}", strict=False)
        except ValueError as error:
            invalid.append(invalid_tool_call(name=call.name, args=call.arguments, id=call.id, error=str(error)))
            continue
        if isinstance(arguments, dict):
            valid.append(tool_call(name=call.name, args=arguments, id=call.id))
        else:
            invalid.append(invalid_tool_call(name=call.name, args=call.arguments, id=call.id, error="no JSON object"))
    return valid, invalid


_EMPTY = AIMessageChunk(content="")
_EMPTY_GENERATION = ChatGenerationChunk(message=_EMPTY)


def _piece(content: str | list[str | dict[str, Any]]) -> ChatGenerationChunk:
    """Write a piece that is content alone, as nearly all are.

    Copied, not constructed: constructing validates what is known to be right, and was the greatest part of what a
    streamed chunk cost. The containers are new, since a copy would share them with all others.
    """
    message = copy(_EMPTY)
    vars(message).update(
        content=content,
        additional_kwargs={},
        response_metadata={},
        tool_calls=[],
        invalid_tool_calls=[],
        tool_call_chunks=[],
    )
    generation = copy(_EMPTY_GENERATION)
    vars(generation).update(message=message, text=message.text)  # the text is one that the constructor looks up
    return generation


def _call_piece(index: int, identity: str | None, name: str | None, arguments: str) -> ToolCallChunk:
    return tool_call_chunk(name=name, args=arguments, id=identity, index=index)


def _text_block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
