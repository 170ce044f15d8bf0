from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from local_workspace import Behaviour, LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.local_workspace.conftest import Api

ENDPOINTS = "/api/2.0/serving-endpoints"
PERMISSIONS = "/api/2.0/permissions/serving-endpoints"
APPLICATION = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def path(create: Callable[..., dict[str, Any]]) -> str:
    return f"{PERMISSIONS}/{create()['id']}"


def direct(answer: dict[str, Any]) -> dict[str, str]:
    """Principal -> level of the grants that are not inherited."""
    return {
        next(value for key, value in entry.items() if key.endswith("_name") and key != "display_name"): grant[
            "permission_level"
        ]
        for entry in answer["access_control_list"]
        for grant in entry["all_permissions"]
        if not grant["inherited"]
    }


@pytest.mark.witness("permissions-admins-inherit", "permissions-object-type", client="HTTP")
def test_a_new_endpoint_belongs_to_its_creator_and_to_admins_by_inheritance(api: Api, path: str) -> None:
    assert api.ok("GET", path) == {
        "object_id": path.removeprefix("/api/2.0/permissions"),
        "object_type": "serving-endpoint",
        "access_control_list": [
            {
                "user_name": "local-admin@example.com",
                "display_name": "local-admin",
                "all_permissions": [{"permission_level": "CAN_MANAGE", "inherited": False}],
            },
            {
                "group_name": "admins",
                "all_permissions": [
                    {
                        "permission_level": "CAN_MANAGE",
                        "inherited": True,
                        "inherited_from_object": ["/serving-endpoints/"],
                    }
                ],
            },
        ],
    }


def test_patch_adds_and_changes_and_removes_nothing(api: Api, path: str) -> None:
    api.ok("PATCH", path, {"access_control_list": [{"group_name": "users", "permission_level": "CAN_VIEW"}]})
    answer = api.ok(
        "PATCH",
        path,
        {
            "access_control_list": [
                {"group_name": "users", "permission_level": "CAN_QUERY"},
                {"service_principal_name": APPLICATION, "permission_level": "CAN_VIEW"},
            ]
        },
    )
    assert direct(answer) == {
        "local-admin@example.com": "CAN_MANAGE",
        "users": "CAN_QUERY",
        APPLICATION: "CAN_VIEW",
    }


@pytest.mark.witness("permissions-put-replaces", "permissions-creator-stays", client="HTTP")
def test_put_replaces_all_but_what_is_inherited_and_the_creators(api: Api, path: str) -> None:
    api.ok("PATCH", path, {"access_control_list": [{"group_name": "users", "permission_level": "CAN_VIEW"}]})
    entry = {"user_name": "ann@example.com", "permission_level": "CAN_QUERY"}
    answer = api.ok("PUT", path, {"access_control_list": [entry]})
    assert direct(answer) == {"local-admin@example.com": "CAN_MANAGE", "ann@example.com": "CAN_QUERY"}
    assert api.ok("GET", path) == answer


@pytest.mark.witness("permissions-creator-stays", client="HTTP")
def test_put_takes_the_creators_right_where_the_switch_says_so(api_of: Callable[..., Api]) -> None:
    with LocalWorkspace(behaviour=Behaviour(creator_keeps_manage=False)) as workspace:
        api = api_of(workspace.host, workspace.token)
        path = f"{PERMISSIONS}/{api.ok('POST', ENDPOINTS, {'name': 'chat'})['id']}"
        assert direct(api.ok("PUT", path, {"access_control_list": []})) == {}


@pytest.mark.parametrize(
    "entry",
    [
        {"user_name": "a@b.c", "group_name": "users", "permission_level": "CAN_VIEW"},
        {"permission_level": "CAN_VIEW"},
        {"user_name": "a@b.c", "permission_level": "CAN_RUN"},
        {"user_name": "a@b.c"},
        {"group_name": "admins", "permission_level": "CAN_VIEW"},
        "users",
    ],
)
def test_an_entry_that_makes_no_sense_is_refused_and_changes_nothing(api: Api, path: str, entry: object) -> None:
    before = api.ok("GET", path)
    for method in ("PUT", "PATCH"):
        answer = api(method, path, {"access_control_list": [entry]})
        assert answer.error == (400, "INVALID_PARAMETER_VALUE")
    assert api.ok("GET", path) == before


@pytest.mark.witness("permissions-by-id", client="HTTP")
def test_a_name_is_no_id_in_the_real_words(api: Api, create: Callable[..., dict[str, Any]]) -> None:
    create()
    answer = api("GET", f"{PERMISSIONS}/chat")
    assert answer.status == 400
    assert answer.body["message"] == "'chat' is not a valid Inference Endpoint ID."


def test_an_empty_id_is_an_unknown_route_in_the_real_words(api: Api) -> None:
    answer = api("GET", f"{PERMISSIONS}/")
    assert answer.status == 404
    assert answer.body["message"] == "No API found for 'GET /permissions/serving-endpoints/'"


def test_the_levels(api: Api, path: str) -> None:
    levels = api.ok("GET", f"{path}/permissionLevels")["permission_levels"]
    assert [each["permission_level"] for each in levels] == ["CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"]
    assert all(each["description"] for each in levels)


@pytest.mark.witness("permissions-linger", client="HTTP")
def test_grants_linger_under_the_old_id_and_the_new_endpoint_has_none_of_them(
    api: Api, create: Callable[..., dict[str, Any]], path: str
) -> None:
    api.ok("PATCH", path, {"access_control_list": [{"group_name": "users", "permission_level": "CAN_VIEW"}]})
    api.ok("DELETE", f"{ENDPOINTS}/chat")
    assert "users" in direct(api.ok("GET", path))
    assert "users" not in direct(api.ok("GET", f"{PERMISSIONS}/{create()['id']}"))


@pytest.mark.witness("permissions-unknown-id", client="HTTP")
def test_an_id_that_never_existed_has_an_empty_list(api: Api) -> None:
    assert api.ok("GET", f"{PERMISSIONS}/{'0' * 32}")["access_control_list"] == []


@pytest.mark.witness("permissions-unknown-id", client="HTTP")
def test_an_id_that_never_existed_is_a_404_where_the_switch_says_so(api_of: Callable[..., Api]) -> None:
    with LocalWorkspace(behaviour=Behaviour(unknown_permission_object="not_found")) as workspace:
        answer = api_of(workspace.host, workspace.token)("GET", f"{PERMISSIONS}/{'0' * 32}")
        assert answer.error == (404, "RESOURCE_DOES_NOT_EXIST")


def test_a_service_principal_owns_what_it_creates_under_its_own_kind(api_as: Callable[..., Api]) -> None:
    api = api_as(APPLICATION)
    created = api.ok("POST", ENDPOINTS, {"name": "robot"})
    assert (created["creator"], created["creator_kind"]) == (APPLICATION, "ServicePrincipal")
    acl = api.ok("GET", f"{PERMISSIONS}/{created['id']}")["access_control_list"]
    assert acl[0]["service_principal_name"] == APPLICATION


@pytest.mark.witness("permissions-concurrency", client="HTTP")
def test_more_than_20_requests_at_a_time_are_refused_in_the_real_words(
    workspace: LocalWorkspace, api: Api, path: str
) -> None:
    where = urlsplit(workspace.host)
    # Their bodies are not sent yet, so all of them are under way.
    half = f"PATCH {path} HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {workspace.token}\r\n"
    with ExitStack() as held:
        crowd = [
            held.enter_context(socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=30))
            for _ in range(20)
        ]
        for each in crowd:
            each.sendall(f"{half}Content-Length: 2\r\n\r\n".encode())
        # The last of them may still be on its way.
        refused = next(each for each in (api("GET", path) for _ in range(1000)) if each.status != 200)
        assert refused.error == (429, "REQUEST_LIMIT_EXCEEDED")
        assert (
            refused.body["message"]
            == f"Workspace {workspace.workspace_id} exceeded the concurrent limit of 20 requests."
        )
        crowd[0].sendall(b"{}")
        assert crowd[0].recv(65536).startswith(b"HTTP/1.1 200 ")  # answered, it leaves a place
        assert api("GET", path).status == 200
    assert api("GET", ENDPOINTS).status == 200
