"""A caller's body as any-llm takes it: OpenAI's fields, written the one way that every provider's client reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_workspace.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_MEANINGLESS = ("user", "stream_options", "store", "metadata", "service_tier", "prompt_cache_key", "safety_identifier")
"""Fields that say nothing of the answer, and that clients send to every model: no provider is asked to know them."""


_COHERE_NAMES = {"top_p": "p", "top_k": "k", "stop": "stop_sequences"}
_COHERE_CHOICES = ("required", "none")


def chat(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a chat request's arguments."""
    asked = {name: value for name, value in fields.items() if value is not None and name not in _MEANINGLESS}
    asked["messages"] = list(_messages(fields["messages"]))
    if isinstance(asked.get("stop"), str):
        asked["stop"] = [asked["stop"]]
    if (most := asked.pop("max_completion_tokens", None)) is not None:
        asked["max_tokens"] = most
    if asked.get("n") == 1:
        del asked["n"]
    if asked.get("tool_choice") == "none" and not any("tool_calls" in each for each in asked["messages"]):
        asked.pop("tools", None)  # Bedrock has no way to say "none" but to leave the tools out
        del asked["tool_choice"]
    return asked


def _for_cohere(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Cohere has names of its own, which any-llm leaves to its caller."""
    adjusted = {_COHERE_NAMES.get(name, name): value for name, value in asked.items()}
    adjusted.pop("parallel_tool_calls", None)  # Cohere's own default, and not for its caller to say
    choice = adjusted.pop("tool_choice", None)
    if choice in _COHERE_CHOICES:
        adjusted["tool_choice"] = choice.upper()
    elif isinstance(choice, dict):
        adjusted["tool_choice"] = choice  # refused by name
    return adjusted


def completion_as_chat(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a completion request as the chat request that means the same.

    Raises:
        ApiError: 400: it asks for what chat models don't give.
    """
    prompt = fields["prompt"]
    if isinstance(prompt, list) and len(prompt) == 1:
        (prompt,) = prompt
    if not isinstance(prompt, str):
        raise bad_request("Bad request: this provider takes one prompt, a string.")
    unknown = [name for name in ("suffix", "echo", "best_of", "logprobs") if fields.get(name)]
    if unknown:
        raise bad_request(f"Bad request: this provider does not take {', '.join(unknown)}.")
    rest = {name: value for name, value in fields.items() if name not in {"prompt", "suffix", "echo", "best_of"}}
    return chat({**rest, "messages": [{"role": "user", "content": prompt}]})


def embedding(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return an embeddings request's arguments.

    Raises:
        ApiError: 400: the input is no text.
    """
    texts = fields["input"] if isinstance(fields["input"], list) else [fields["input"]]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise bad_request("Bad request: this provider embeds a string or a list of strings.")
    options = {name: fields[name] for name in ("dimensions",) if fields.get(name) is not None}
    return {"inputs": texts, **options}


def _messages(messages: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Instructions come first and as one, and text as text: not every provider's client takes them otherwise."""
    instructions = [
        _plain(message.get("content")) for message in messages if message["role"] in {"system", "developer"}
    ]
    if instructions:
        yield {"role": "system", "content": "\n\n".join(str(each) for each in instructions if each)}
    for message in messages:
        if message["role"] not in {"system", "developer"}:
            content = _plain(message.get("content"))
            nothing = "" if message["role"] == "tool" else None  # a tool may have nothing to say
            yield {**message, "content": nothing if content is None else content, **_calls(message)}


def _calls(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message's tool calls; clients write the arguments of one without any as no text at all."""
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return {}
    return {"tool_calls": [_call(each) for each in calls]}


def _call(call: Any) -> Any:  # noqa: ANN401 - whatever the caller sent
    match call:
        case {"function": {"arguments": ""}}:
            return {**call, "function": {**call["function"], "arguments": "{}"}}
        case _:
            return call


def _plain(content: object) -> object:
    if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        return "".join(str(part.get("text") or "") for part in content)
    return content


ADJUSTED: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {"cohere": _for_cohere}
"""What a provider's client wants otherwise than the rest."""
