"""The whole matrix: each role against each route. A cell that is not allowed is refused in the real shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_workspace import Behaviour, LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.local_workspace.conftest import Api

ENDPOINTS = "/api/2.0/serving-endpoints"
SECRETS = "/api/2.0/secrets"

# What each role may do, lowest first; a role may do what those before it may.
SCOPE_ROLES = ("outsider", "READ", "WRITE", "MANAGE", "admin")
ENDPOINT_ROLES = ("outsider", "CAN_VIEW", "CAN_QUERY", "CAN_MANAGE", "admin")

SCOPE_ROUTES = [
    ("outsider", "GET", "/scopes/list", None),
    ("outsider", "POST", "/scopes/create", {"scope": "another"}),
    ("READ", "GET", "/list?scope=team", None),
    ("READ", "GET", "/get?scope=team&key=k", None),
    ("WRITE", "POST", "/put", {"scope": "team", "key": "k", "string_value": "v"}),
    ("WRITE", "POST", "/delete", {"scope": "team", "key": "k"}),
    ("MANAGE", "GET", "/acls/list?scope=team", None),
    ("MANAGE", "GET", "/acls/get?scope=team&principal=team-admins", None),
    ("MANAGE", "POST", "/acls/put", {"scope": "team", "principal": "users", "permission": "READ"}),
    ("MANAGE", "POST", "/acls/delete", {"scope": "team", "principal": "team-admins"}),
    ("MANAGE", "POST", "/scopes/delete", {"scope": "team"}),
]


def config_on(scope: str) -> dict[str, Any]:
    """A config whose key is in a scope."""
    openai = {"openai_api_key": f"{{{{secrets/{scope}/k}}}}"}
    model = {"provider": "openai", "name": "m", "task": "llm/v1/chat", "openai_config": openai}
    return {"served_entities": [{"name": "m", "external_model": model}]}


CONFIG = config_on("team")
ASK = {"messages": [{"role": "user", "content": "hi"}]}
PERMISSIONS = "/api/2.0/permissions/serving-endpoints/{id}"
ENDPOINT_ROUTES = [
    ("outsider", "GET", ENDPOINTS, None),
    ("outsider", "POST", ENDPOINTS, {"name": "another"}),
    ("CAN_VIEW", "GET", f"{ENDPOINTS}/chat", None),
    ("CAN_VIEW", "GET", f"{ENDPOINTS}/chat/metrics", None),
    ("CAN_VIEW", "GET", f"{ENDPOINTS}/chat/openapi", None),
    ("CAN_VIEW", "GET", PERMISSIONS, None),
    ("CAN_VIEW", "GET", f"{PERMISSIONS}/permissionLevels", None),
    ("CAN_QUERY", "POST", "/serving-endpoints/chat/invocations", ASK),
    ("CAN_QUERY", "POST", "/serving-endpoints/chat/served-models/m/invocations", ASK),
    ("CAN_QUERY", "POST", "/serving-endpoints/chat/completions", {"model": "chat", **ASK}),
    ("CAN_MANAGE", "PUT", f"{ENDPOINTS}/chat/config", CONFIG),
    ("CAN_MANAGE", "PUT", f"{ENDPOINTS}/chat/ai-gateway", {}),
    ("CAN_MANAGE", "PATCH", f"{ENDPOINTS}/chat/tags", {}),
    ("CAN_MANAGE", "PATCH", f"{ENDPOINTS}/chat/notifications", {}),
    ("CAN_MANAGE", "PUT", f"{ENDPOINTS}/chat/rate-limits", {}),
    ("CAN_MANAGE", "PATCH", f"{ENDPOINTS}/chat/telemetry-config", {}),
    ("CAN_MANAGE", "PUT", PERMISSIONS, {"access_control_list": []}),
    ("CAN_MANAGE", "PATCH", PERMISSIONS, {"access_control_list": []}),
    ("CAN_MANAGE", "DELETE", f"{ENDPOINTS}/chat", None),
]


@pytest.fixture
def team(api: Api) -> str:
    """A scope with a key, and the scope's name."""
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    api.ok("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "string_value": "sk-value"})
    api.ok("POST", f"{SECRETS}/acls/put", {"scope": "team", "principal": "team-admins", "permission": "MANAGE"})
    return "team"


@pytest.fixture
def chat(api: Api, team: str, workspace: LocalWorkspace) -> str:
    """An endpoint that is READY, and its id."""
    created: dict[str, str] = api.ok("POST", ENDPOINTS, {"name": "chat", "config": config_on(team)})
    workspace.clock.advance(5)
    return created["id"]


@pytest.mark.parametrize("role", SCOPE_ROLES)
@pytest.mark.parametrize(("needs", "method", "path", "body"), SCOPE_ROUTES)
@pytest.mark.usefixtures("team")
@pytest.mark.witness("acl-levels", "acl-list-needs-manage", client="HTTP")
def test_scopes(
    api: Api,
    *,
    api_as: Callable[..., Api],
    needs: str,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    role: str,
) -> None:
    caller = api_as("ann@example.com", groups=("users", "staff", *(("admins",) if role == "admin" else ())))
    if role not in {"outsider", "admin"}:
        acl = {"scope": "team", "principal": "ann@example.com", "permission": role}
        api.ok("POST", f"{SECRETS}/acls/put", acl)
    answer = caller(method, SECRETS + path, body)
    if SCOPE_ROLES.index(role) >= SCOPE_ROLES.index(needs):
        assert answer.status == 200, answer
    else:
        assert answer.error == (403, "PERMISSION_DENIED")
        expected = f"User ann@example.com does not have {needs} permission on scope team to perform this action."
        assert answer.body["message"] == expected


@pytest.mark.parametrize("role", ENDPOINT_ROLES)
@pytest.mark.parametrize(("needs", "method", "path", "body"), ENDPOINT_ROUTES)
@pytest.mark.witness("permissions-levels", client="HTTP")
def test_endpoints(
    api: Api,
    *,
    api_as: Callable[..., Api],
    chat: str,
    needs: str,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    role: str,
) -> None:
    caller = api_as("ann@example.com", groups=("users", "staff", *(("admins",) if role == "admin" else ())))
    # The caller may read the key, so that the endpoint's own rights alone decide.
    api.ok("POST", f"{SECRETS}/acls/put", {"scope": "team", "principal": "staff", "permission": "READ"})
    if role not in {"outsider", "admin"}:
        entry = {"user_name": "ann@example.com", "permission_level": role}
        api.ok("PATCH", PERMISSIONS.format(id=chat), {"access_control_list": [entry]})
    answer = caller(method, path.format(id=chat), body)
    if ENDPOINT_ROLES.index(role) >= ENDPOINT_ROLES.index(needs):
        assert answer.status == 200, answer
    else:
        assert answer.error == (403, "PERMISSION_DENIED")
        verb = {"CAN_VIEW": "View", "CAN_QUERY": "Query", "CAN_MANAGE": "Manage"}[needs]
        assert answer.body["message"] == f"User does not have permission '{verb}' on Endpoint chat"


@pytest.mark.usefixtures("team")
def test_a_groups_rights_are_its_members_and_the_highest_counts(
    api: Api, api_as: Callable[..., Api], chat: str
) -> None:
    ann = api_as("ann@example.com", groups=("users", "staff"))
    for principal, level in (("users", "WRITE"), ("staff", "READ")):
        api.ok("POST", f"{SECRETS}/acls/put", {"scope": "team", "principal": principal, "permission": level})
    ann.ok("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "string_value": "v"})
    entries = [
        {"group_name": "staff", "permission_level": "CAN_MANAGE"},
        {"user_name": "ann@example.com", "permission_level": "CAN_VIEW"},
    ]
    api.ok("PATCH", PERMISSIONS.format(id=chat), {"access_control_list": entries})
    assert ann.ok("GET", f"{ENDPOINTS}/chat")["permission_level"] == "CAN_MANAGE"
    ann.ok("DELETE", f"{ENDPOINTS}/chat")


@pytest.mark.parametrize("token", [None, "dapi-wrong"])
@pytest.mark.parametrize(
    ("method", "path"),
    [(method, SECRETS + path) for _, method, path, _ in SCOPE_ROUTES]
    + [(method, path.format(id="0" * 32)) for _, method, path, _ in ENDPOINT_ROUTES]
    + [("GET", "/api/2.0/preview/scim/v2/Me"), ("GET", "/_local/requests"), ("GET", "/api/2.0/unknown")],
)
def test_without_a_valid_token_every_route_is_refused(
    api_of: Callable[..., Api], workspace: LocalWorkspace, method: str, path: str, token: str | None
) -> None:
    answer = api_of(workspace.host, token)(method, path, {} if method != "GET" else None)
    assert answer.error == ((401, 401) if token is None else (403, 403))


@pytest.mark.usefixtures("chat")
def test_the_list_leaves_out_what_the_caller_may_not_see(api_as: Callable[..., Api]) -> None:
    names = {each["name"] for each in api_as("ann@example.com").ok("GET", ENDPOINTS)["endpoints"]}
    assert "chat" not in names
    assert "databricks-gpt-oss-120b" in names


def test_everyone_may_query_a_foundation_endpoint_and_admins_alone_change_it(
    api: Api, api_as: Callable[..., Api]
) -> None:
    ann = api_as("ann@example.com")
    ann.ok("POST", "/serving-endpoints/databricks-gpt-oss-120b/invocations", ASK)
    gateway = f"{ENDPOINTS}/databricks-gpt-oss-120b/ai-gateway"
    assert ann("PUT", gateway, {}).error == (403, "PERMISSION_DENIED")
    api.ok("PUT", gateway, {})


@pytest.mark.usefixtures("team")
@pytest.mark.witness("key-read-right", client="HTTP")
def test_an_endpoint_cannot_be_created_on_a_key_that_its_creator_may_not_read(api_as: Callable[..., Api]) -> None:
    answer = api_as("ann@example.com")("POST", ENDPOINTS, {"name": "chat", "config": CONFIG})
    assert answer.error == (403, "PERMISSION_DENIED")
    assert "READ permission on scope team" in answer.body["message"]


@pytest.mark.usefixtures("team")
def test_an_endpoint_stops_answering_when_its_creator_may_no_longer_read_the_key(
    api: Api, api_as: Callable[..., Api], workspace: LocalWorkspace
) -> None:
    api.ok("POST", f"{SECRETS}/acls/put", {"scope": "team", "principal": "ann@example.com", "permission": "READ"})
    ann = api_as("ann@example.com")
    ann.ok("POST", ENDPOINTS, {"name": "hers", "config": CONFIG})
    workspace.clock.advance(5)
    ann.ok("POST", "/serving-endpoints/hers/invocations", ASK)
    api.ok("POST", f"{SECRETS}/acls/delete", {"scope": "team", "principal": "ann@example.com"})
    assert ann("POST", "/serving-endpoints/hers/invocations", ASK).status >= 400


@pytest.mark.witness("acl-admins-manage", client="HTTP")
def test_admins_can_be_locked_out_where_the_switch_says_so(api_of: Callable[..., Api]) -> None:
    with LocalWorkspace(behaviour=Behaviour(admins_manage_scopes=False)) as workspace:
        api = api_of(workspace.host, workspace.token)
        api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
        acl = {"scope": "team", "principal": "local-admin@example.com"}
        api.ok("POST", f"{SECRETS}/acls/delete", acl)
        answer = api("POST", f"{SECRETS}/acls/put", {**acl, "permission": "MANAGE"})
        assert answer.error == (403, "PERMISSION_DENIED")


@pytest.mark.usefixtures("api", "team")
def test_a_forked_workspace_shares_nothing(workspace: LocalWorkspace, api_of: Callable[..., Api]) -> None:
    other = workspace.fork()
    assert other.token != workspace.token
    assert other.workspace_id != workspace.workspace_id
    stranger = api_of(other.host, other.token)
    assert stranger.ok("GET", f"{SECRETS}/scopes/list") == {}
    workspace.faults.arm([{"kind": "status", "times": None}])
    stranger.ok("GET", f"{SECRETS}/scopes/list")
    assert [each.path for each in other.requests] == [f"{SECRETS}/scopes/list"] * 2
