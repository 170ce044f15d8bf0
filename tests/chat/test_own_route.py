"""Route-optimized endpoints, against the local workspace; the SDK's own client is the witness."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.serving import ChatMessage, ChatMessageRole

from chat import AsyncChatClient, ChatClient, Endpoint, errors
from chat.auth import Credentials
from chat.wire import OwnRoute, read_own_route
from tests.chat.api import request

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace.local import WorkspaceHandle

APPLICATION = "11111111-2222-4333-8444-555555555555"


def oauth(workspace: WorkspaceHandle, application: str, **fields: str) -> str:
    """Log a service principal in."""
    form = {"client_id": application, "client_secret": workspace.client_secret_for(application), **fields}
    body = urlencode({"grant_type": "client_credentials", "scope": "all-apis", **form}).encode()
    with urllib.request.urlopen(f"{workspace.host}/oidc/v1/token", body, timeout=10) as answer:  # noqa: S310 - loopback
        token: str = json.load(answer)["access_token"]
        return token


@pytest.fixture
def fast(workspace: WorkspaceHandle, create_external: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A route-optimized endpoint; the environment logs in as a service principal that may query it."""
    create_external(workspace, "plain")
    plain = request(workspace, "GET", "/api/2.0/serving-endpoints/plain")["config"]["served_entities"]
    entities = [{"name": "entity", "external_model": plain[0]["external_model"]}]
    body = {"name": "fast", "route_optimized": True, "config": {"served_entities": entities}}
    created = request(workspace, "POST", "/api/2.0/serving-endpoints", body)
    secret = workspace.client_secret_for(APPLICATION)
    grants = [{"service_principal_name": APPLICATION, "permission_level": "CAN_QUERY"}]
    path = f"/api/2.0/permissions/serving-endpoints/{created['id']}"
    request(workspace, "PATCH", path, {"access_control_list": grants})
    monkeypatch.delenv("DATABRICKS_TOKEN")
    monkeypatch.setenv("DATABRICKS_CLIENT_ID", APPLICATION)
    monkeypatch.setenv("DATABRICKS_CLIENT_SECRET", secret)
    workspace.requests.clear()
    return "fast"


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Callable[..., list[str]]:
    """A call, whole or streamed, so many times, by either client."""

    def call(endpoint: object, *, times: int = 1, stream: bool = False, **options: Any) -> list[str]:  # noqa: ANN401 - options of a client
        if request.param == "sync":
            with ChatClient(endpoint, **options) as client:
                return [
                    "".join(map(str, client.stream("hi"))) if stream else str(client.invoke("hi")) for _ in range(times)
                ]

        async def run() -> list[str]:
            async with AsyncChatClient(endpoint, **options) as client:
                if stream:
                    return ["".join([str(chunk) async for chunk in client.astream("hi")]) for _ in range(times)]
                return [str(await client.ainvoke("hi")) for _ in range(times)]

        return asyncio.run(run())

    return call


def paths(workspace: WorkspaceHandle) -> list[str]:
    return [each.path for each in workspace.requests]


def test_an_endpoint_known_to_be_route_optimized_is_called_by_its_own_route(
    ask: Callable[..., list[str]], workspace: WorkspaceHandle, fast: str
) -> None:
    assert all(ask(Endpoint(fast, route_optimized=True), times=2))
    own = f"/{workspace.workspace_id}/serving-endpoints/fast/invocations"
    assert paths(workspace) == ["/api/2.0/serving-endpoints/fast", own, own]


def test_waiting_for_it_finds_its_route_without_another_request(
    ask: Callable[..., list[str]], workspace: WorkspaceHandle, fast: str
) -> None:
    assert all(ask(fast, wait=60, stream=True))
    gets = [each for each in workspace.requests if each.method == "GET"]
    assert len(gets) == 1
    assert "/serving-endpoints/fast/invocations" not in paths(workspace)


def test_one_that_refuses_the_workspaces_route_is_called_by_its_own_from_then_on(
    ask: Callable[..., list[str]], workspace: WorkspaceHandle, fast: str
) -> None:
    assert all(ask(fast, times=3))
    assert paths(workspace).count("/serving-endpoints/fast/invocations") == 1
    assert paths(workspace).count(f"/{workspace.workspace_id}/serving-endpoints/fast/invocations") == 3


@pytest.mark.parametrize("known", [True, False])
def test_a_personal_access_token_is_refused_before_the_endpoint_is_called(
    ask: Callable[..., list[str]], workspace: WorkspaceHandle, fast: str, *, known: bool
) -> None:
    with pytest.raises(errors.AuthError, match="OAuth tokens only, and this is a personal access token"):
        ask(Endpoint(fast, token=workspace.token, route_optimized=known))
    assert not [path for path in paths(workspace) if path.startswith(f"/{workspace.workspace_id}/")]
    if known:
        assert paths(workspace) == []


def test_a_principal_that_may_not_query_gets_no_token_for_it(
    ask: Callable[..., list[str]], workspace: WorkspaceHandle, fast: str
) -> None:
    stranger = APPLICATION.replace("1", "9")
    token = oauth(workspace, stranger)
    route = request(workspace, "GET", f"/api/2.0/serving-endpoints/{fast}")["data_plane_info"]["query_info"]
    credentials = Credentials(workspace.host, token)
    with pytest.raises(errors.AuthError, match="invalid_authorization_details") as caught:
        credentials.access(route=OwnRoute(workspace.host, "/", route["authorization_details"]))
    assert token not in str(caught.value)
    with pytest.raises(errors.PermissionDeniedError):
        ask(Endpoint(fast, token=token))


def test_one_that_was_made_anew_is_found_again(workspace: WorkspaceHandle, fast: str) -> None:
    with ChatClient(Endpoint(fast, route_optimized=True)) as client:
        client.invoke("hi")
        old = request(workspace, "GET", f"/api/2.0/serving-endpoints/{fast}")
        request(workspace, "DELETE", f"/api/2.0/serving-endpoints/{fast}")
        with pytest.raises(errors.NotFoundError):
            client.invoke("hi")
        entities = [{"name": "entity", "external_model": old["config"]["served_entities"][0]["external_model"]}]
        body = {"name": fast, "config": {"served_entities": entities}}
        created = request(workspace, "POST", "/api/2.0/serving-endpoints", body)
        grants = [{"service_principal_name": APPLICATION, "permission_level": "CAN_QUERY"}]
        path = f"/api/2.0/permissions/serving-endpoints/{created['id']}"
        request(workspace, "PATCH", path, {"access_control_list": grants})
        assert client.invoke("hi")


@pytest.mark.witness(
    "call-own-route", "POST /{workspace}/serving-endpoints/{name}/invocations", client="databricks-sdk"
)
def test_the_sdks_own_data_plane_client_takes_the_same_way(workspace: WorkspaceHandle, fast: str) -> None:
    client = WorkspaceClient()
    hello = ChatMessage(content="hi", role=ChatMessageRole.USER)
    answer = client.serving_endpoints_data_plane.query(fast, messages=[hello])
    assert answer.choices
    assert paths(workspace)[-1] == f"/{workspace.workspace_id}/serving-endpoints/fast/invocations"


def test_a_token_for_an_endpoint_opens_nothing_else(workspace: WorkspaceHandle, fast: str) -> None:
    shown = request(workspace, "GET", f"/api/2.0/serving-endpoints/{fast}")
    details = shown["data_plane_info"]["query_info"]["authorization_details"]
    scoped = oauth(workspace, APPLICATION, authorization_details=details)
    whole = oauth(workspace, APPLICATION)
    hello = {"messages": [{"role": "user", "content": "hi"}]}
    assert request(workspace, "POST", shown["endpoint_url"], hello, token=scoped)["choices"]
    for path, token in ((shown["endpoint_url"], whole), (shown["endpoint_url"], workspace.token)):
        with pytest.raises(urllib.error.HTTPError, match="401"):
            request(workspace, "POST", path, hello, token=token)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        request(workspace, "GET", "/api/2.0/serving-endpoints", token=scoped)


def test_a_route_is_read_from_what_the_workspace_says_of_it() -> None:
    url = "https://abc123.s1.serving.example.com/42/serving-endpoints/e/invocations"
    told = {
        "endpoint_url": url,
        "data_plane_info": {"query_info": {"endpoint_url": url, "authorization_details": "[]"}},
    }
    origin, path = "https://abc123.s1.serving.example.com", "/42/serving-endpoints/e/invocations"
    assert read_own_route(told) == OwnRoute(origin, path, "[]")
    derived = read_own_route({"endpoint_url": url})
    assert derived is not None
    assert json.loads(derived.authorization_details)[0]["object_path"] == "/serving-endpoints/abc123"
    for nothing in (None, {}, {"endpoint_url": None}, {"endpoint_url": "ftp://x/y"}, {"data_plane_info": "x"}):
        assert read_own_route(nothing) is None
