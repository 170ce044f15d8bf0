"""The whole matrix: each role against each route. A cell that is not allowed is refused in the real shape."""

from __future__ import annotations

import pytest

from local_workspace import Behaviour, LocalWorkspace

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

CONFIG = {
    "served_entities": [
        {
            "name": "m",
            "external_model": {
                "provider": "openai",
                "name": "m",
                "task": "llm/v1/chat",
                "openai_config": {"openai_api_key": "{{secrets/team/k}}"},
            },
        }
    ]
}
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
def team(api):
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    api.ok("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "string_value": "sk-value"})
    api.ok("POST", f"{SECRETS}/acls/put", {"scope": "team", "principal": "team-admins", "permission": "MANAGE"})


@pytest.fixture
def chat(api, team, workspace):
    created = api.ok("POST", ENDPOINTS, {"name": "chat", "config": CONFIG})
    workspace.clock.advance(5)
    return created["id"]


@pytest.mark.parametrize("by", ["itself", "group"])
@pytest.mark.parametrize("role", SCOPE_ROLES)
@pytest.mark.parametrize(("needs", "method", "path", "body"), SCOPE_ROUTES)
def test_scopes(api, api_as, team, needs, method, path, body, role, by):
    caller = api_as("ann@example.com", groups=("users", "staff", *(("admins",) if role == "admin" else ())))
    if role not in {"outsider", "admin"}:
        principal = "ann@example.com" if by == "itself" else "staff"
        api.ok("POST", f"{SECRETS}/acls/put", {"scope": "team", "principal": principal, "permission": role})
    answer = caller(method, SECRETS + path, body)
    if SCOPE_ROLES.index(role) >= SCOPE_ROLES.index(needs):
        assert answer.status == 200, answer
    else:
        assert answer.error == (403, "PERMISSION_DENIED")
        expected = f"User ann@example.com does not have {needs} permission on scope team to perform this action."
        assert answer.body["message"] == expected


@pytest.mark.parametrize("by", ["user_name", "group_name"])
@pytest.mark.parametrize("role", ENDPOINT_ROLES)
@pytest.mark.parametrize(("needs", "method", "path", "body"), ENDPOINT_ROUTES)
def test_endpoints(api, api_as, chat, needs, method, path, body, role, by):
    caller = api_as("ann@example.com", groups=("users", "staff", *(("admins",) if role == "admin" else ())))
    # The caller may read the key, so that the endpoint's own rights alone decide.
    api.ok("POST", f"{SECRETS}/acls/put", {"scope": "team", "principal": "staff", "permission": "READ"})
    if role not in {"outsider", "admin"}:
        principal = "ann@example.com" if by == "user_name" else "staff"
        entry = {by: principal, "permission_level": role}
        api.ok("PATCH", PERMISSIONS.format(id=chat), {"access_control_list": [entry]})
    answer = caller(method, path.format(id=chat), body)
    if ENDPOINT_ROLES.index(role) >= ENDPOINT_ROLES.index(needs):
        assert answer.status == 200, answer
    else:
        assert answer.error == (403, "PERMISSION_DENIED")
        verb = {"CAN_VIEW": "View", "CAN_QUERY": "Query", "CAN_MANAGE": "Manage"}[needs]
        assert answer.body["message"] == f"User does not have permission '{verb}' on Endpoint chat"


@pytest.mark.parametrize("token", [None, "dapi-wrong"])
@pytest.mark.parametrize(
    ("method", "path"),
    [(method, SECRETS + path) for _, method, path, _ in SCOPE_ROUTES]
    + [(method, path.format(id="0" * 32)) for _, method, path, _ in ENDPOINT_ROUTES]
    + [("GET", "/api/2.0/preview/scim/v2/Me"), ("GET", "/_local/requests"), ("GET", "/api/2.0/unknown")],
)
def test_without_a_valid_token_every_route_is_refused(api_of, workspace, method, path, token):
    answer = api_of(workspace.host, token)(method, path, {} if method != "GET" else None)
    assert answer.error == ((401, 401) if token is None else (403, 403))


def test_the_list_leaves_out_what_the_caller_may_not_see(api_as, chat):
    names = {each["name"] for each in api_as("ann@example.com").ok("GET", ENDPOINTS)["endpoints"]}
    assert "chat" not in names
    assert "databricks-gpt-oss-120b" in names


def test_everyone_may_query_a_foundation_endpoint_and_admins_alone_change_it(api, api_as):
    ann = api_as("ann@example.com")
    ann.ok("POST", "/serving-endpoints/databricks-gpt-oss-120b/invocations", ASK)
    gateway = f"{ENDPOINTS}/databricks-gpt-oss-120b/ai-gateway"
    assert ann("PUT", gateway, {}).error == (403, "PERMISSION_DENIED")
    api.ok("PUT", gateway, {})


def test_an_endpoint_cannot_be_created_on_a_key_that_its_creator_may_not_read(api_as, team):
    answer = api_as("ann@example.com")("POST", ENDPOINTS, {"name": "chat", "config": CONFIG})
    assert answer.error == (403, "PERMISSION_DENIED")
    assert "READ permission on scope team" in answer.body["message"]


def test_an_endpoint_stops_answering_when_its_creator_may_no_longer_read_the_key(api, api_as, team, workspace):
    api.ok("POST", f"{SECRETS}/acls/put", {"scope": "team", "principal": "ann@example.com", "permission": "READ"})
    ann = api_as("ann@example.com")
    ann.ok("POST", ENDPOINTS, {"name": "hers", "config": CONFIG})
    workspace.clock.advance(5)
    ann.ok("POST", "/serving-endpoints/hers/invocations", ASK)
    api.ok("POST", f"{SECRETS}/acls/delete", {"scope": "team", "principal": "ann@example.com"})
    assert ann("POST", "/serving-endpoints/hers/invocations", ASK).status >= 400


def test_admins_can_be_locked_out_where_the_switch_says_so(api_of):
    with LocalWorkspace(behaviour=Behaviour(admins_manage_scopes=False)) as workspace:
        api = api_of(workspace.host, workspace.token)
        api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
        acl = {"scope": "team", "principal": "local-admin@example.com"}
        api.ok("POST", f"{SECRETS}/acls/delete", acl)
        answer = api("POST", f"{SECRETS}/acls/put", {**acl, "permission": "MANAGE"})
        assert answer.error == (403, "PERMISSION_DENIED")


def test_a_forked_workspace_shares_nothing(workspace, api, api_of, team):
    other = workspace.fork()
    assert other.token != workspace.token
    assert other.workspace_id != workspace.workspace_id
    stranger = api_of(other.host, other.token)
    assert stranger.ok("GET", f"{SECRETS}/scopes/list") == {}
    workspace.faults.arm([{"kind": "status", "times": None}])
    stranger.ok("GET", f"{SECRETS}/scopes/list")
    assert [each.path for each in other.requests] == [f"{SECRETS}/scopes/list"] * 2
