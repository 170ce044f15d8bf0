"""A simulator of Cohere's API, version 2: chat and embeddings by the built-in model, behind a check of the key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from local_workspace.upstreams.builtin import chat_model, embeddings, tokens
from local_workspace.upstreams.simulators import openai_requests, serving
from local_workspace.upstreams.simulators.fields import Fields, Items, Number, Text, check
from local_workspace.upstreams.simulators.keys import KeyCheck
from local_workspace.upstreams.simulators.openai_errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from local_workspace.upstreams.builtin.chat_model import Answer, Choice

_CHAT = Fields(
    {
        "model": Text(),
        "messages": openai_requests.LENIENT_CHAT.known["messages"],
        "tools": openai_requests.CHAT.known["tools"],
        "tool_choice": Text(("REQUIRED", "NONE")),
        "temperature": Number(0, 1),
        "p": Number(0.01, 0.99),
        "k": Number(0, 500),
        "max_tokens": Number(0, whole=True),
        "stop_sequences": Items(Text(), most=5),
        "seed": Number(whole=True),
        "response_format": Fields({"type": Text(("text", "json_object"))}, required=("type",), is_open=True),
    },
    required=("model", "messages"),
    is_open=True,
)
_EMBED = Fields(
    {"model": Text(), "texts": Items(Text(), most=96), "input_type": Text(), "output_dimension": Number(1, whole=True)},
    required=("model", "texts", "input_type"),
    is_open=True,
)
_REASONS = {"stop": "COMPLETE", "length": "MAX_TOKENS", "tool_calls": "TOOL_CALL"}
_SAME_IN_CHAT = {"p": "top_p", "stop_sequences": "stop"}
_ARGUMENT_PIECE = 12  # characters of a tool call's arguments in one event


def create_app(*, key: str | None = None) -> Starlette:
    """Build the simulator.

    Args:
        key: The only key to accept; None accepts any but those that start with `invalid` or `sk-invalid`: Cohere's
            have no form of their own.
    """
    keys = KeyCheck(key)

    async def chat(request: Request) -> Response:
        body = await _checked(request, keys, _CHAT)
        made = chat_model.answer(_chat_request(body))
        if body.get("stream"):
            return serving.events(_stream(made))
        return JSONResponse(_whole(made))

    async def embed(request: Request) -> Response:
        body = await _checked(request, keys, _EMBED)
        size = int(body.get("output_dimension") or embeddings.DEFAULT_DIMENSIONS)
        spent = sum(tokens.count(text) for text in body["texts"])
        vectors = [embeddings.embed(text, dimensions=size) for text in body["texts"]]
        meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": spent}}
        return JSONResponse({"id": "embedding", "embeddings": {"float": vectors}, "texts": body["texts"], "meta": meta})

    routes = [Route("/v2/chat", chat, methods=["POST"]), Route("/v2/embed", embed, methods=["POST"])]
    return serving.application(routes, refuse=_refuse)


async def _checked(request: Request, keys: KeyCheck, rule: Fields) -> dict[str, Any]:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise RefusedError(401, "no api key supplied")
    if not keys.accepts(key):
        raise RefusedError(401, "invalid api token")
    body = await serving.body_of(request)
    check(body, rule)
    return body


def _chat_request(body: Mapping[str, Any]) -> dict[str, Any]:
    request = {_SAME_IN_CHAT.get(name, name): value for name, value in body.items()}
    if body.get("tool_choice"):
        request["tool_choice"] = body["tool_choice"].lower()
    form = body.get("response_format") or {}
    if "schema" in form:
        schema = {"name": "output", "schema": form["schema"]}
        request["response_format"] = {"type": "json_schema", "json_schema": schema}
    return request


def _whole(made: Answer) -> dict[str, Any]:
    choice = made.choices[0]
    message: dict[str, Any] = {"role": "assistant"}
    if choice.calls:
        message["tool_calls"] = [_call(call.id, call.name, call.arguments) for call in choice.calls]
    else:
        message["content"] = [{"type": "text", "text": choice.text}]
    return {"id": made.digest, "message": message, "finish_reason": _reason(choice), "usage": _usage(made)}


def _stream(made: Answer) -> Iterator[bytes]:
    for body in _events(made):
        yield f"event: {body['type']}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n".encode()
    yield b"data: [DONE]\n\n"


def _events(made: Answer) -> Iterator[dict[str, Any]]:
    choice = made.choices[0]
    opening = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield {"type": "message-start", "id": made.digest, "delta": {"message": opening}}
    if not choice.calls:
        yield _event("content-start", 0, {"content": {"type": "text", "text": ""}})
        for piece in choice.pieces:
            yield _event("content-delta", 0, {"content": {"text": piece}})
        yield {"type": "content-end", "index": 0}
    for index, call in enumerate(choice.calls):
        yield _event("tool-call-start", index, {"tool_calls": _call(call.id, call.name, "")})
        for start in range(0, len(call.arguments), _ARGUMENT_PIECE):
            part = {"arguments": call.arguments[start : start + _ARGUMENT_PIECE]}
            yield _event("tool-call-delta", index, {"tool_calls": {"function": part}})
        yield {"type": "tool-call-end", "index": index}
    yield {"type": "message-end", "delta": {"finish_reason": _reason(choice), "usage": _usage(made)}}


def _event(kind: str, index: int, message: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "index": index, "delta": {"message": message}}


def _call(identifier: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def _reason(choice: Choice) -> str:
    return "STOP_SEQUENCE" if choice.stopped_by is not None else _REASONS[choice.finish_reason]


def _usage(made: Answer) -> dict[str, Any]:
    counts = {"input_tokens": made.prompt_tokens, "output_tokens": made.completion_tokens}
    return {"billed_units": counts, "tokens": counts}


def _refuse(refused: RefusedError) -> Response:
    return JSONResponse({"message": str(refused)}, status_code=refused.status)
