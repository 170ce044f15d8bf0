"""Legacy completions: the built-in chat model's answer to each prompt, as plain text."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.builtin import tokens
from local_workspace.upstreams.builtin.chat_model import Answer, Choice, answer
from local_workspace.upstreams.builtin.chat_wire import DONE, event, usage_counts
from local_workspace.upstreams.builtin.embeddings import input_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEFAULT_MAX_TOKENS = 16  # OpenAI's own default for this route


def complete(request: Mapping[str, Any]) -> Answer:
    """Answer each prompt of a completions request `n` times, prompt after prompt."""
    limit = request.get("max_tokens")
    shared = {name: value for name, value in request.items() if name not in {"prompt", "logprobs", "echo"}}
    shared["max_tokens"] = _DEFAULT_MAX_TOKENS if limit is None else limit
    prompts = input_texts(request["prompt"])
    answers = [answer({**shared, "messages": [{"role": "user", "content": prompt}]}) for prompt in prompts]
    choices = [
        _echoed(choice, prompt) if request.get("echo") else choice
        for prompt, each in zip(prompts, answers, strict=True)
        for choice in each.choices
    ]
    return Answer(
        digest=answers[0].digest,
        choices=tuple(choices),
        prompt_tokens=sum(tokens.count(prompt) for prompt in prompts),
    )


def completion(made: Answer, *, model: str, created: int, logprobs: int | None) -> dict[str, Any]:
    """The whole answer as one `text_completion` object."""
    return {
        **_shell(made, model, created),
        "choices": [
            {
                "index": index,
                "text": choice.text,
                "logprobs": None if logprobs is None else _logprobs(choice, logprobs),
                "finish_reason": choice.finish_reason,
            }
            for index, choice in enumerate(made.choices)
        ],
        "usage": usage_counts(made.prompt_tokens, made.completion_tokens),
    }


def stream(made: Answer, *, model: str, created: int, include_usage: bool) -> Iterator[bytes]:
    """The answer as server-sent events."""
    shell = _shell(made, model, created)
    nothing_yet = {"usage": None} if include_usage else {}
    for index, choice in enumerate(made.choices):
        for position, piece in enumerate(choice.pieces):
            is_last = position == len(choice.pieces) - 1
            reason = choice.finish_reason if is_last else None
            part = {"index": index, "text": piece, "logprobs": None, "finish_reason": reason}
            yield event({**shell, "choices": [part], **nothing_yet})
    if include_usage:
        yield event({**shell, "choices": [], "usage": usage_counts(made.prompt_tokens, made.completion_tokens)})
    yield DONE


def _shell(made: Answer, model: str, created: int) -> dict[str, Any]:
    return {"id": f"cmpl-{made.digest}", "object": "text_completion", "created": created, "model": model}


def _echoed(choice: Choice, prompt: str) -> Choice:
    return dataclasses.replace(choice, pieces=(*tokens.split(prompt), *choice.pieces))


def _logprobs(choice: Choice, alternatives: int) -> dict[str, Any]:
    scores = [tokens.log_probability(piece, position=position) for position, piece in enumerate(choice.pieces)]
    offsets = [sum(len(piece) for piece in choice.pieces[:position]) for position in range(len(choice.pieces))]
    best = [{piece: score} if alternatives else {} for piece, score in zip(choice.pieces, scores, strict=True)]
    return {
        "tokens": list(choice.pieces),
        "token_logprobs": scores,
        "top_logprobs": best if alternatives else None,
        "text_offset": offsets,
    }
