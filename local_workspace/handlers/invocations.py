"""/serving-endpoints/…: calls to endpoints, by Databricks' own route and by OpenAI's.

The workspace says who may call and what serves; `upstreams` answers. On `/invocations` a stream holds `data:` lines
alone and ends with `[DONE]`; on OpenAI's routes the upstream's bytes pass untouched.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.routing import Route

from local_workspace.call import read_body
from local_workspace.errors import ApiError, bad_request
from local_workspace.resources import own_route as routes_of_their_own
from local_workspace.upstreams import hops, request_bodies, routing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from local_workspace.app import Resources
    from local_workspace.custom_models import CustomModels
    from local_workspace.resources.identities import Identity
    from local_workspace.resources.serving_endpoint import ServingEndpoint
    from local_workspace.workspace import Workspace

_PATH_OF_TASK = {
    "llm/v1/chat": "chat/completions",
    "llm/v1/completions": "completions",
    "llm/v1/embeddings": "embeddings",
}
_CUSTOM_TASKS_OF_PATH: Mapping[str, frozenset[str]] = {
    "chat/completions": frozenset({"llm/v1/chat", "agent/v1/chat", "agent/v2/chat"}),
    "completions": frozenset({"llm/v1/completions"}),
    "embeddings": frozenset({"llm/v1/embeddings"}),
    "responses": frozenset({"agent/v1/responses"}),
}
_TASK_OF_PATH = {**{path: task for task, path in _PATH_OF_TASK.items()}, "responses": "llm/v1/chat"}
_PATHS_OF_LOCAL_MODEL = frozenset({"chat/completions", "responses", "messages"})
_NOT_READY_CODES = {404: "RESOURCE_DOES_NOT_EXIST", 503: "TEMPORARILY_UNAVAILABLE"}
_CLAUDE, _GEMINI = "claude", "gemini"
_GATEWAYS = ("/serving-endpoints", "/ai-gateway/mlflow/v1", "/ai-gateway/openai/v1", "/ai-gateway/codex/v1")
_VENDORS_GATEWAYS = ("/serving-endpoints", "/ai-gateway")
_GEMINI_ACTIONS = ("generateContent", "streamGenerateContent")


@dataclass(frozen=True, slots=True)
class _Invocation:
    """One call: what is asked of which endpoint, and how.

    Attributes:
        request: The HTTP request.
        endpoint: What is called.
        body: What was sent, checked.
        path: The API's path at an upstream.
        entity: The served entity that the caller named, or None for the traffic split's choice.
        data_lines_only: Whether a stream may hold `data:` lines alone.
    """

    request: Request
    endpoint: ServingEndpoint
    body: Mapping[str, Any]
    path: str
    entity: str | None = None
    data_lines_only: bool = False


async def invoke(request: Request) -> Response:
    """Answer `/serving-endpoints/{name}/invocations`, and the same for one served model of it."""
    return await _invoked(request, _serving(request, request.path_params["name"]))


async def invoke_by_own_route(request: Request) -> Response:
    """Answer a route-optimized endpoint's own route: the same, behind the workspace's id."""
    workspace: Workspace = request.state.workspace
    if request.path_params["workspace"] != workspace.id:
        raise ApiError(404, "ENDPOINT_NOT_FOUND", f"There is no workspace {request.path_params['workspace']} here.")
    return await _invoked(request, _serving(request, request.path_params["name"], own_route=True))


async def _invoked(request: Request, endpoint: ServingEndpoint) -> Response:
    if endpoint.is_loaded:
        body = await _body(request, at_most=request_bodies.CUSTOM_PAYLOAD_LIMIT)
        entity = request.path_params.get("model")
        return await _answer(_Invocation(request, endpoint, body, path="invocations", entity=entity))
    if endpoint.task is None or endpoint.task not in _PATH_OF_TASK:
        raise ApiError(
            501,
            "NOT_IMPLEMENTED",
            f"Endpoint '{endpoint.name}' serves a custom model that is loaded from nowhere; "
            "the local workspace loads those that are deployed while it has an MLflow registry (--registry).",
        )
    body = await _body(request)
    request_bodies.check(body, task=endpoint.task)
    path, entity = _PATH_OF_TASK[endpoint.task], request.path_params.get("model")
    return await _answer(_Invocation(request, endpoint, body, path=path, entity=entity, data_lines_only=True))


def _compatible(path: str) -> Callable[[Request], Awaitable[Response]]:
    """Make the endpoint for one of OpenAI's routes, where the body's `model` names the serving endpoint."""

    async def endpoint(request: Request) -> Response:
        body = await _body(request)
        serving = _serving(request, _named(body))
        if serving.is_loaded:
            return await _custom(_Invocation(request, serving, body, path=path))
        task = _TASK_OF_PATH[path]
        if serving.task != task:
            raise bad_request(f"Endpoint '{serving.name}' has task {serving.task}; this route needs {task}.")
        if path != "responses":  # its fields are the upstream's business
            request_bodies.check(body, task=task)
        return await _answer(_Invocation(request, serving, body, path=path))

    return endpoint


async def _custom(invocation: _Invocation) -> Response:
    endpoint = invocation.endpoint
    tasks = _CUSTOM_TASKS_OF_PATH[invocation.path]
    if endpoint.task not in tasks:
        needed = " or ".join(sorted(tasks))
        raise bad_request(f"Endpoint '{endpoint.name}' has task {endpoint.task}; this route needs {needed}.")
    body = {name: value for name, value in invocation.body.items() if name != "model"}  # the endpoint's name
    return await _answer(replace(invocation, body=body))


async def message(request: Request) -> Response:
    """Answer Anthropic's `/v1/messages`, which Claude alone speaks."""
    body = await _body(request)
    serving = _serving(request, _named(body))
    if _serves(serving, _CLAUDE, provider="anthropic"):
        return await _answer(_Invocation(request, serving, body, path="messages"))
    raise bad_request(f"Endpoint '{serving.name}' does not serve Claude, which alone speaks Anthropic's Messages API.")


async def content(request: Request) -> Response:
    """Answer Google's `models/NAME:generateContent`, which Gemini alone speaks; the path names the serving endpoint."""
    name, _, action = request.path_params["model_and_action"].rpartition(":")
    if action not in _GEMINI_ACTIONS:
        raise HTTPException(404)
    body = await _body(request)
    serving = _serving(request, name)
    if _serves(serving, _GEMINI, provider="google-cloud-vertex-ai"):
        return await _answer(_Invocation(request, serving, body, path=action))
    raise bad_request(f"Endpoint '{serving.name}' does not serve Gemini, which alone speaks Google's API.")


def _serves(endpoint: ServingEndpoint, family: str, *, provider: str) -> bool:
    """Whether a vendor's own API has something to call there: a model of its family, or one at its provider."""
    if endpoint.foundation:
        return family in endpoint.name
    models = [entity.get("external_model") or {} for entity in (endpoint.config or {}).get("served_entities") or ()]
    return any(model.get("provider") == provider for model in models)


def _named(body: Mapping[str, Any]) -> str:
    """The serving endpoint that a body's `model` names."""
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise bad_request("Bad request: field 'model' must name a serving endpoint.")
    return name


async def _body(request: Request, *, at_most: int = request_bodies.PAYLOAD_LIMIT) -> dict[str, Any]:
    return request_bodies.parse(await read_body(request.receive, at_most=at_most))


def _serving(request: Request, name: str, *, own_route: bool = False) -> ServingEndpoint:
    """Find an endpoint that the caller may query by this route, and that serves."""
    workspace: Workspace = request.state.workspace
    identity: Identity = request.state.identity
    endpoint = workspace.serving_endpoint(name, identity, level="CAN_QUERY")
    request.state.endpoint = endpoint.name  # for the log: on OpenAI's routes the path does not tell
    routes_of_their_own.check(endpoint, own=own_route, token_for=request.state.token_for)
    if endpoint.config is None:
        # What the real one answers while nothing serves is not on record; 503 is what clients wait on.
        status = workspace.settings.behaviour.not_ready_status
        raise ApiError(status, _NOT_READY_CODES[status], f"Endpoint '{endpoint.name}' is not ready to serve yet.")
    return endpoint


async def _answer(invocation: _Invocation) -> Response:
    """Answer a call, through the AI gateway of its endpoint if it has one."""
    if not (invocation.endpoint.ai_gateway or invocation.endpoint.rate_limits):
        return await _from_model(invocation)
    from local_workspace.handlers import ai_gateway  # noqa: PLC0415 - guardrails and tables, which few endpoints have

    passage = ai_gateway.enter(invocation.request, invocation.endpoint, invocation.body)
    with passage.noting_refusals():
        answer = await _from_model(replace(invocation, body=passage.body))
    return passage.answered(answer)


async def _from_model(invocation: _Invocation) -> Response:
    config = invocation.endpoint.config or {}
    if invocation.entity is not None:
        chosen = routing.by_name(config, invocation.entity, endpoint=invocation.endpoint.name)
    else:
        chosen = routing.by_traffic(config, draw=(await _draws(invocation)).random())
    if invocation.endpoint.foundation:
        return await _from_foundation(invocation, chosen)
    if invocation.endpoint.is_loaded:
        state = invocation.request.state
        models: CustomModels = invocation.request.app.state.custom_models
        return await models.answer(state.workspace, invocation.endpoint, chosen, invocation.body)
    if invocation.entity is not None:
        return await _from_upstream(invocation, (chosen,))
    return await _from_upstream(invocation, routing.with_fallbacks(chosen, config, invocation.endpoint.ai_gateway))


async def _from_foundation(invocation: _Invocation, entity: Mapping[str, Any]) -> Response:
    from local_workspace.upstreams import foundation  # noqa: PLC0415 - most workspaces are started for something else
    from local_workspace.upstreams.builtin.chat_wire import UsageStyle  # noqa: PLC0415 - as above

    workspace: Workspace = invocation.request.state.workspace
    foundation.check(invocation.body, path=invocation.path)
    if workspace.settings.model == "local" and invocation.path in _PATHS_OF_LOCAL_MODEL:
        return await _from_local_model(invocation, entity)
    style = workspace.settings.behaviour.stream_usage
    return foundation.answer(
        invocation.body,
        path=invocation.path,
        model=str(entity["foundation_model"]["name"]),
        created=int(workspace.clock.now()),
        headers={routing.SERVED_MODEL_HEADER: str(entity["name"])},
        usage=None if style == "by_model" else UsageStyle(style),
    )


async def _from_local_model(invocation: _Invocation, entity: Mapping[str, Any]) -> Response:
    from local_workspace.upstreams.local_model import answers  # noqa: PLC0415 - slow to load, as `external` is

    model = await _resources(invocation).once("local model", answers.opened_local_model)
    return await model.answer(
        invocation.body,
        path=invocation.path,
        headers={routing.SERVED_MODEL_HEADER: str(entity["name"])},
        data_lines_only=invocation.data_lines_only,
        receive=invocation.request.receive,
    )


async def _from_upstream(invocation: _Invocation, entities: tuple[Mapping[str, Any], ...]) -> Response:
    from local_workspace.upstreams import external  # noqa: PLC0415 - slow to load, see there

    workspace: Workspace = invocation.request.state.workspace
    creator = invocation.endpoint.creator
    proxy = await _resources(invocation).once(
        "upstreams", lambda: external.opened_proxy(workspace.settings, now=workspace.clock.now)
    )
    call = external.ExternalCall(
        body=invocation.body,
        path=invocation.path,
        entities=entities,
        resolve=lambda reference: workspace.resolve_secret(reference, creator=creator),
        hops=hops.next_hop(invocation.request.headers),
        data_lines_only=invocation.data_lines_only,
    )
    return await external.answer(proxy, call, receive=invocation.request.receive)


async def _draws(invocation: _Invocation) -> Random:
    """The traffic split's numbers, seeded once a server, so that a run repeats."""
    workspace: Workspace = invocation.request.state.workspace
    return await _resources(invocation).once("traffic", partial(_seeded, workspace.settings.seed))


@asynccontextmanager
async def _seeded(seed: int) -> AsyncIterator[Random]:
    yield Random(seed)  # noqa: S311 - shares traffic, guards nothing


def _resources(invocation: _Invocation) -> Resources:
    resources: Resources = invocation.request.app.state.resources
    return resources


routes = [
    Route("/serving-endpoints/{name}/invocations", invoke, methods=["POST"]),
    Route("/{workspace}/serving-endpoints/{name}/invocations", invoke_by_own_route, methods=["POST"]),
    Route("/serving-endpoints/{name}/served-models/{model}/invocations", invoke, methods=["POST"]),
    *(
        Route(f"{gateway}/{path}", _compatible(path), methods=["POST"])
        for gateway in _GATEWAYS
        for path in _TASK_OF_PATH
    ),
    *(Route(f"{gateway}/anthropic/v1/messages", message, methods=["POST"]) for gateway in _VENDORS_GATEWAYS),
    *(
        Route(f"{gateway}/gemini/v1beta/models/{{model_and_action}}", content, methods=["POST"])
        for gateway in _VENDORS_GATEWAYS
    ),
]
