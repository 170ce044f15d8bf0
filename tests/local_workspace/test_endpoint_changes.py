from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_workspace import Behaviour, LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.local_workspace.conftest import Api

ENDPOINTS = "/api/2.0/serving-endpoints"


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("tags", {"add_tags": [{"key": "team", "value": "x"}]}),
        ("notifications", {"email_notifications": {"on_update_success": ["a@example.com"]}}),
        ("telemetry-config", {"telemetry_config": {"table_names": {"logs_table": "x"}}}),
    ],
)
def test_a_foundation_endpoint_takes_an_ai_gateway_alone(api: Api, route: str, body: dict[str, Any]) -> None:
    path = f"{ENDPOINTS}/databricks-gpt-oss-120b"
    assert api("PATCH", f"{path}/{route}", body).error == (400, "INVALID_PARAMETER_VALUE")
    gateway = {"usage_tracking_config": {"enabled": True}}
    assert api.ok("PUT", f"{path}/ai-gateway", gateway) == gateway


@pytest.mark.parametrize(
    "limit",
    [
        {"tokens": 5, "renewal_period": "minute"},
        {"calls": 5, "renewal_period": "minute", "key": "user_group", "principal": "g"},
    ],
)
def test_the_deprecated_limits_know_calls_by_user_and_endpoint_alone(
    api: Api, create: Callable[..., dict[str, Any]], limit: dict[str, Any]
) -> None:
    create()
    assert api("PUT", f"{ENDPOINTS}/chat/rate-limits", {"rate_limits": [limit]}).error == (
        400,
        "INVALID_PARAMETER_VALUE",
    )


@pytest.mark.witness("tags-delete-missing", client="HTTP")
def test_deleting_a_tag_that_is_not_there_is_refused_where_the_switch_says_so(api_of: Callable[..., Api]) -> None:
    with LocalWorkspace(behaviour=Behaviour(missing_tag="refuse")) as workspace:
        api = api_of(workspace.host, workspace.token)
        api.ok("POST", ENDPOINTS, {"name": "chat", "tags": [{"key": "a", "value": "1"}]})
        assert api("PATCH", f"{ENDPOINTS}/chat/tags", {"delete_tags": ["b"]}).status == 404
        assert api.ok("PATCH", f"{ENDPOINTS}/chat/tags", {"delete_tags": ["a"]}) == {"tags": []}


def test_an_endpoint_that_is_read_again_and_again_follows_writes_and_rights(
    api: Api, api_as: Callable[..., Api], create: Callable[..., dict[str, Any]], workspace: LocalWorkspace
) -> None:
    created = create()
    workspace.clock.advance(5)
    viewer = api_as("viewer@example.com")
    grant = {"user_name": "viewer@example.com", "permission_level": "CAN_VIEW"}
    api.ok("PATCH", f"/api/2.0/permissions/serving-endpoints/{created['id']}", {"access_control_list": [grant]})
    for value in ("1", "2"):
        api.ok("PATCH", f"{ENDPOINTS}/chat/tags", {"add_tags": [{"key": "team", "value": value}]})
        for caller, level in ((api, "CAN_MANAGE"), (viewer, "CAN_VIEW"), (api, "CAN_MANAGE")):
            seen = caller.ok("GET", f"{ENDPOINTS}/chat")
            assert (seen["permission_level"], seen["tags"]) == (level, [{"key": "team", "value": value}])
    api.ok("DELETE", f"{ENDPOINTS}/chat")
    assert api("GET", f"{ENDPOINTS}/chat").status == 404
