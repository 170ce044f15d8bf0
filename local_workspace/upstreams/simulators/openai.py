"""A simulator of OpenAI's API, and of Azure's dialect of it: the built-in model behind a real check of the key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_workspace.upstreams.builtin import chat_model, chat_wire, completions, embeddings, responses
from local_workspace.upstreams.json_bodies import read_object
from local_workspace.upstreams.simulators import openai_errors, openai_requests, serving
from local_workspace.upstreams.simulators.entra import EntraSimulator
from local_workspace.upstreams.simulators.fields import check
from local_workspace.upstreams.simulators.keys import KeyCheck

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from local_workspace.upstreams.simulators.openai_errors import RefusedError

MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-5", "text-embedding-3-large", "text-embedding-3-small")


def create_app(*, now: Callable[[], float], key: str | None = None, entra: EntraSimulator | None = None) -> Starlette:
    """Build the simulator.

    Args:
        now: The time that answers carry, in seconds since the epoch.
        key: The only key to accept; None accepts any that looks like OpenAI's (`sk-…`, but not `sk-invalid…`).
        entra: Who issued the tokens that Azure's routes take beside keys; None: nobody.
    """
    provider = _Provider(now=now, keys=KeyCheck(key, prefix="sk-"), entra=entra or EntraSimulator(now=now))
    kinds = {
        "chat/completions": provider.chat,
        "completions": provider.completion,
        "embeddings": provider.embedding,
        "responses": provider.response,
    }
    openai = [Route(f"/v1/{path}", _openai(answer, provider), methods=["POST"]) for path, answer in kinds.items()]
    azure = [
        Route(f"/openai/deployments/{{deployment}}/{path}", _azure(answer, provider), methods=["POST"])
        for path, answer in kinds.items()
    ]
    return Starlette(
        routes=[
            *openai,
            *azure,
            Route("/v1/models", _openai(provider.models, provider)),
            Route("/v1/models/{model:path}", _openai(provider.model, provider)),
        ],
        exception_handlers={openai_errors.RefusedError: _refuse, 404: _unknown_path, 405: _unknown_path},  # type: ignore[dict-item]  # starlette types handlers as taking Exception; each gets what it is listed for
    )


class _Provider:
    """The routes' answers; the key has been checked before."""

    def __init__(self, *, now: Callable[[], float], keys: KeyCheck, entra: EntraSimulator) -> None:
        self.keys = keys
        self.entra = entra
        self._now = now

    async def chat(self, request: Request) -> Response:
        body = await _body(request)
        openai_requests.check_chat(body)
        envelope = chat_wire.Envelope.of(body, model=body["model"], created=self._created())
        made = chat_model.answer(body)
        if body.get("stream"):
            return serving.events(chat_wire.stream(made, envelope))
        return JSONResponse(chat_wire.completion(made, envelope))

    async def completion(self, request: Request) -> Response:
        body = await _body(request)
        check(body, openai_requests.COMPLETION)
        made = completions.complete(body)
        model, created = body["model"], self._created()
        if body.get("stream"):
            include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
            return serving.events(completions.stream(made, model=model, created=created, include_usage=include_usage))
        return JSONResponse(completions.completion(made, model=model, created=created, logprobs=body.get("logprobs")))

    async def embedding(self, request: Request) -> Response:
        body = await _body(request)
        check(body, openai_requests.EMBEDDING)
        return JSONResponse(embeddings.embedding_list(body, model=body["model"]))

    async def response(self, request: Request) -> Response:
        body = await _body(request)
        check(body, openai_requests.RESPONSE)
        if body.get("stream"):
            return serving.events(responses.stream(body, model=body["model"], created=self._created()))
        return JSONResponse(responses.respond(body, model=body["model"], created=self._created()))

    async def models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [_model(name) for name in MODELS]})

    async def model(self, request: Request) -> Response:
        return JSONResponse(_model(request.path_params["model"]))

    def _created(self) -> int:
        return int(self._now())


def _openai(answer: Callable[[Request], Any], provider: _Provider) -> Callable[[Request], Any]:
    """Check the key where OpenAI wants it: `Authorization: Bearer`."""

    async def endpoint(request: Request) -> Response:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise openai_errors.no_key()
        if not provider.keys.accepts(key.strip()):
            raise openai_errors.wrong_key()
        response: Response = await answer(request)
        return response

    return endpoint


def _azure(answer: Callable[[Request], Any], provider: _Provider) -> Callable[[Request], Any]:
    """Check the key where Azure wants it: `api-key`, or a token of the simulated Entra as a bearer."""

    async def endpoint(request: Request) -> Response:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        key = request.headers.get("api-key", "")
        if not (provider.entra.accepts(bearer) if bearer else provider.keys.accepts(key)):
            raise openai_errors.azure_wrong_key()
        if not request.query_params.get("api-version"):
            raise openai_errors.unknown_path(request.method, request.url.path)
        response: Response = await answer(request)
        return response

    return endpoint


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = read_object(await request.body())
    except ValueError:
        raise openai_errors.RefusedError(
            400,
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
            "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
        ) from None
    if "deployment" in request.path_params:  # on Azure the path names the model
        body.setdefault("model", request.path_params["deployment"])
    return body


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "openai"}


def _refuse(_: Request, refused: RefusedError) -> Response:
    return refused.response()


def _unknown_path(request: Request, _: Exception) -> Response:
    return openai_errors.unknown_path(request.method, request.url.path).response()
