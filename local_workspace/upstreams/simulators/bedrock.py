"""A simulator of Amazon Bedrock's runtime for signed requests: Converse, whole and streamed, and Titan's embeddings."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from local_workspace.upstreams import aws_signing
from local_workspace.upstreams.builtin import chat_model, embeddings, tokens
from local_workspace.upstreams.simulators import bedrock_frames, bedrock_requests, serving
from local_workspace.upstreams.simulators.fields import Fields, Number, Text, check
from local_workspace.upstreams.simulators.openai_errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from local_workspace.upstreams.builtin.chat_model import Answer, Choice

_SCOPE = re.compile(r"(?P<key>[^/]+)/\d{8}/[a-z0-9-]+/bedrock/aws4_request")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_SIGNED = {"host", "x-amz-date"}
_REFUSED_KEY = "invalid"
_NOT_KNOWN = "The security token included in the request is invalid."
_NOT_MATCHING = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
_TITAN = Fields({"inputText": Text(), "dimensions": Number(1, whole=True)}, required=("inputText",), is_open=True)
_TITAN_DIMENSIONS = 1024
_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_TYPES = {400: "ValidationException", 403: "UnrecognizedClientException", 404: "ResourceNotFoundException"}
_INPUT_PIECE = 12  # characters of a tool's input in one event


def create_app(*, key: str | None = None) -> Starlette:
    """Build the simulator.

    Args:
        key: The only secret access key whose signature is accepted; None accepts every well-formed signature but
            those of access keys that start with `invalid`: a signature tells nothing of its key to who has it not.
    """

    async def converse(request: Request) -> Response:
        made = chat_model.answer(bedrock_requests.chat_request(await _checked(request, key)))
        return JSONResponse({
            "output": {"message": {"role": "assistant", "content": _blocks(made.choices[0])}},
            "stopReason": _reason(made.choices[0]),
            "usage": _usage(made),
            "metrics": {"latencyMs": 1},
        })  # fmt: skip

    async def converse_stream(request: Request) -> Response:
        made = chat_model.answer(bedrock_requests.chat_request(await _checked(request, key)))
        return serving.events(_events(made), media_type=bedrock_frames.MEDIA_TYPE)

    async def invoke(request: Request) -> Response:
        body = await _checked(request, key)
        check(body, _TITAN)
        vector = embeddings.embed(body["inputText"], dimensions=int(body.get("dimensions") or _TITAN_DIMENSIONS))
        return JSONResponse({"embedding": vector, "inputTextTokenCount": tokens.count(body["inputText"])})

    routes = [
        Route("/model/{model}/converse", converse, methods=["POST"]),
        Route("/model/{model}/converse-stream", converse_stream, methods=["POST"]),
        Route("/model/{model}/invoke", invoke, methods=["POST"]),
    ]
    return serving.application(routes, refuse=_refuse)


async def _checked(request: Request, secret_key: str | None) -> dict[str, Any]:
    headers = dict(request.headers)
    if "authorization" not in headers:
        raise RefusedError(403, "Missing Authentication Token")
    try:
        fields = aws_signing.authorization(headers)
    except ValueError:
        raise RefusedError(403, _NOT_KNOWN) from None
    scope = _SCOPE.fullmatch(fields["Credential"])
    if scope is None or scope["key"].startswith(_REFUSED_KEY):
        raise RefusedError(403, _NOT_KNOWN)
    covered = fields["SignedHeaders"].split(";")
    is_whole = _SIGNED.issubset(covered) and _SIGNATURE.fullmatch(fields["Signature"])
    url = f"http://{headers['host']}{request.scope['raw_path'].decode()}"
    body = await request.body()
    if not is_whole or (
        secret_key is not None and not aws_signing.is_signed_with(secret_key, url=url, headers=headers, body=body)
    ):
        raise RefusedError(403, _NOT_MATCHING)
    return await serving.body_of(request)


def _blocks(choice: Choice) -> list[dict[str, Any]]:
    if not choice.calls:
        return [{"text": choice.text}]
    return [
        {"toolUse": {"toolUseId": _call_id(call.id), "name": call.name, "input": json.loads(call.arguments)}}
        for call in choice.calls
    ]


def _events(made: Answer) -> Iterator[bytes]:
    choice = made.choices[0]
    event = bedrock_frames.event
    yield event("messageStart", {"role": "assistant"})
    for index, call in enumerate(choice.calls):
        start = {"toolUse": {"toolUseId": _call_id(call.id), "name": call.name}}
        yield event("contentBlockStart", {"start": start, "contentBlockIndex": index})
        for begin in range(0, len(call.arguments), _INPUT_PIECE):
            piece = {"toolUse": {"input": call.arguments[begin : begin + _INPUT_PIECE]}}
            yield event("contentBlockDelta", {"delta": piece, "contentBlockIndex": index})
        yield event("contentBlockStop", {"contentBlockIndex": index})
    for text in choice.pieces:
        yield event("contentBlockDelta", {"delta": {"text": text}, "contentBlockIndex": 0})
    if choice.pieces:
        yield event("contentBlockStop", {"contentBlockIndex": 0})
    yield event("messageStop", {"stopReason": _reason(choice)})
    yield event("metadata", {"usage": _usage(made), "metrics": {"latencyMs": 1}})


def _call_id(identifier: str) -> str:
    return f"tooluse_{identifier.removeprefix('call_')}"


def _reason(choice: Choice) -> str:
    return "stop_sequence" if choice.stopped_by is not None else _REASONS[choice.finish_reason]


def _usage(made: Answer) -> dict[str, int]:
    spent, given = made.prompt_tokens, made.completion_tokens
    return {"inputTokens": spent, "outputTokens": given, "totalTokens": spent + given}


def _refuse(refused: RefusedError) -> Response:
    kind = _TYPES.get(refused.status, "InternalServerException")
    if str(refused) == _NOT_MATCHING:
        kind = "InvalidSignatureException"
    return JSONResponse({"message": str(refused)}, status_code=refused.status, headers={"x-amzn-ErrorType": kind})
