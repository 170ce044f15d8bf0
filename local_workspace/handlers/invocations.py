"""/serving-endpoints/…: calls to endpoints, by Databricks' own route and by OpenAI's.

The workspace says who may call and what serves; `upstreams` answers. On `/invocations` a stream holds `data:` lines
alone and ends with `[DONE]`; on OpenAI's routes the upstream's bytes pass untouched.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from aiohttp import ClientResponse
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_workspace.call import read_body
from local_workspace.errors import ApiError, UnresolvedSecretError, bad_request, denied
from local_workspace.upstreams import foundation, request_bodies, routing
from local_workspace.upstreams.addresses import AddressRefusedError
from local_workspace.upstreams.proxy import Proxy, UpstreamError
from local_workspace.upstreams.relay import ClientGoneError, Relayed, unless_gone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from starlette.requests import Request

    from local_workspace.resources.endpoints import ServingEndpoint
    from local_workspace.workspace import Workspace

SERVED_MODEL_HEADER = "served-model-name"

_CLIENT_CLOSED = 499
_TASK_OF_PATH = {
    "chat/completions": "llm/v1/chat",
    "completions": "llm/v1/completions",
    "embeddings": "llm/v1/embeddings",
    "responses": "llm/v1/chat",
}
_PATH_OF_TASK = {
    "llm/v1/chat": "chat/completions",
    "llm/v1/completions": "completions",
    "llm/v1/embeddings": "embeddings",
}
_GATEWAYS = ("/serving-endpoints", "/ai-gateway/mlflow/v1", "/ai-gateway/openai/v1")


@dataclass(frozen=True, slots=True)
class _Invocation:
    """One call: what was asked of which endpoint, over which kind of route."""

    request: Request
    endpoint: ServingEndpoint
    body: Mapping[str, Any]
    path: str
    entity: str | None = None
    by_invocations_route: bool = False

    @property
    def workspace(self) -> Workspace:
        """The caller's workspace."""
        workspace: Workspace = self.request.state.workspace
        return workspace


async def invoke(request: Request) -> Response:
    """Answer `/serving-endpoints/{name}/invocations`, and the same for one served model of it."""
    endpoint = _find(request, request.path_params["name"])
    body = request_bodies.parse(await read_body(request, at_most=request_bodies.PAYLOAD_LIMIT))
    task = endpoint.task
    _require_serving(endpoint)
    if task not in _PATH_OF_TASK:
        raise ApiError(501, "NOT_IMPLEMENTED", f"Endpoint '{endpoint.name}' serves a custom model; the local "
                       "workspace answers for external and foundation models.")  # fmt: skip
    request_bodies.check(body, task=task)
    return await _answer(
        _Invocation(
            request,
            endpoint,
            body,
            path=_PATH_OF_TASK[task],
            entity=request.path_params.get("model"),
            by_invocations_route=True,
        )
    )


def _compatible(path: str) -> Callable[[Request], Awaitable[Response]]:
    """Make the endpoint for one of OpenAI's routes, where the body's `model` names the serving endpoint."""

    async def endpoint(request: Request) -> Response:
        body = request_bodies.parse(await read_body(request, at_most=request_bodies.PAYLOAD_LIMIT))
        name = body.get("model")
        if not isinstance(name, str) or not name:
            raise bad_request("Bad request: field 'model' must name a serving endpoint.")
        serving = _find(request, name)
        _require_serving(serving)
        task = _TASK_OF_PATH[path]
        if serving.task != task:
            raise bad_request(f"Endpoint '{name}' has task {serving.task}; this route needs {task}.")
        if path != "responses":
            request_bodies.check(body, task=task)
        return await _answer(_Invocation(request, serving, body, path=path))

    return endpoint


def _find(request: Request, name: str) -> ServingEndpoint:
    workspace: Workspace = request.state.workspace
    return workspace.serving_endpoint(name, request.state.identity, level="CAN_QUERY")


def _require_serving(endpoint: ServingEndpoint) -> None:
    if endpoint.config is None:
        # What the real one answers while nothing serves is not on record; 503 is what clients wait on.
        raise ApiError(503, "TEMPORARILY_UNAVAILABLE", f"Endpoint '{endpoint.name}' is not ready to serve yet.")
    limits = (*endpoint.rate_limits, *(endpoint.ai_gateway.get("rate_limits") or ()))
    if any(limit.get("calls") == 0 and limit.get("key", "endpoint") == "endpoint" for limit in limits):
        raise denied("PERMISSION_DENIED: The endpoint is disabled due to a rate limit set to 0.")


async def _answer(invocation: _Invocation) -> Response:
    config = invocation.endpoint.config or {}
    if invocation.entity is not None:
        entities = (routing.by_name(config, invocation.entity, endpoint=invocation.endpoint.name),)
    else:
        first = routing.by_traffic(config, draw=_draws(invocation).random())
        entities = routing.with_fallbacks(first, config, invocation.endpoint.ai_gateway)
    if invocation.endpoint.foundation:
        return _from_foundation(invocation, entities[0])
    try:
        return await unless_gone(invocation.request.receive, _from_upstream(invocation, entities))
    except ClientGoneError:
        return Response(status_code=_CLIENT_CLOSED)


def _from_foundation(invocation: _Invocation, entity: Mapping[str, Any]) -> Response:
    return foundation.answer(
        invocation.body,
        path=invocation.path,
        model=str(entity["foundation_model"]["name"]),
        created=int(invocation.workspace.clock.now()),
        headers={SERVED_MODEL_HEADER: str(entity["name"])},
    )


async def _from_upstream(invocation: _Invocation, entities: tuple[Mapping[str, Any], ...]) -> Response:
    """Try entities in order until one answers, or fails in a way that another would not better."""
    failed: UpstreamError | None = None
    for entity in entities:
        reached = await _call(invocation, entity)
        headers = {SERVED_MODEL_HEADER: str(entity["name"])}
        if isinstance(reached, ClientResponse):
            return Relayed(reached, headers=headers, data_lines_only=invocation.by_invocations_route)
        failed = reached
        if reached.status not in routing.RETRIED_ELSEWHERE:
            break
    if failed is None:
        raise ApiError(500, "INTERNAL_ERROR", f"Endpoint '{invocation.endpoint.name}' serves no entity.")
    retry = {} if failed.retry_after is None else {"Retry-After": failed.retry_after}
    return JSONResponse(failed.body, status_code=failed.status, headers={**headers, **retry})


async def _call(invocation: _Invocation, entity: Mapping[str, Any]) -> ClientResponse | UpstreamError:
    workspace, creator = invocation.workspace, invocation.endpoint.creator
    try:
        proxy = await invocation.request.app.state.resources.once("upstreams", lambda: _opened_proxy(workspace))
        return await proxy.call(
            entity["external_model"],
            invocation.body,
            path=invocation.path,
            resolve=lambda reference: workspace.resolve_secret(reference, creator=creator),
        )
    except AddressRefusedError as refused:
        raise bad_request(f"Served entity '{entity['name']}' cannot be called: {refused}") from None
    except UnresolvedSecretError as unresolved:
        raise bad_request(f"Served entity '{entity['name']}' cannot be called: {unresolved}.") from None


@asynccontextmanager
async def _opened_proxy(workspace: Workspace) -> AsyncIterator[Proxy]:
    proxy = Proxy(workspace.settings, now=workspace.clock.now)
    try:
        yield proxy
    finally:
        await proxy.aclose()


def _draws(invocation: _Invocation) -> Random:
    """The traffic split's random numbers, seeded so that a run repeats."""
    state = invocation.request.app.state
    if getattr(state, "traffic_draws", None) is None:
        state.traffic_draws = Random(invocation.workspace.settings.seed)  # noqa: S311 - a traffic split, no secret
    draws: Random = state.traffic_draws
    return draws


routes = [
    Route("/serving-endpoints/{name}/invocations", invoke, methods=["POST"]),
    Route("/serving-endpoints/{name}/served-models/{model}/invocations", invoke, methods=["POST"]),
    *(
        Route(f"{gateway}/{path}", _compatible(path), methods=["POST"])
        for gateway in _GATEWAYS
        for path in _TASK_OF_PATH
    ),
]
