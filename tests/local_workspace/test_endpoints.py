from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Api

ENDPOINTS = "/api/2.0/serving-endpoints"
CUSTOM = {"entity_name": "main.ml.model", "entity_version": "3", "scale_to_zero_enabled": True}


def test_a_created_endpoint_is_not_ready_first_and_ready_when_its_time_has_come(
    api: Api, create: Callable[..., dict[str, Any]], workspace: LocalWorkspace
) -> None:
    created = create()
    assert created["state"] == {"ready": "NOT_READY", "config_update": "IN_PROGRESS", "suspend": "NOT_SUSPENDED"}
    assert created["pending_config"]["config_version"] == 1
    assert "config" not in created
    workspace.clock.advance(5)
    ready = api.ok("GET", f"{ENDPOINTS}/chat")
    assert ready["state"] == {"ready": "READY", "config_update": "NOT_UPDATING", "suspend": "NOT_SUSPENDED"}
    assert ready["config"]["config_version"] == 1
    assert "pending_config" not in ready


@pytest.mark.witness("entities-external-state", "entities-external-twins", client="HTTP")
def test_the_whole_object_of_an_external_endpoint(
    api: Api, create: Callable[..., dict[str, Any]], workspace: LocalWorkspace
) -> None:
    create(tags=[{"key": "team", "value": "x"}], ai_gateway={"usage_tracking_config": {"enabled": True}})
    workspace.clock.advance(5)
    shown = api.ok("GET", f"{ENDPOINTS}/chat")
    assert re.fullmatch("[0-9a-f]{32}", shown.pop("id"))
    assert shown == {
        "name": "chat",
        "creator": "local-admin@example.com",
        "creator_display_name": "local-admin",
        "creator_kind": "User",
        "creation_timestamp": 1_800_000_000_000,
        "last_updated_timestamp": 1_800_000_000_000,
        "state": {"ready": "READY", "config_update": "NOT_UPDATING", "suspend": "NOT_SUSPENDED"},
        "endpoint_type": "EXTERNAL_MODEL",
        "task": "llm/v1/chat",
        "route_optimized": False,
        "permission_level": "CAN_MANAGE",
        "description": "",
        "resource_credential_strategy": "EMBEDDED_CREDENTIALS",
        "tags": [{"key": "team", "value": "x"}],
        "ai_gateway": {"usage_tracking_config": {"enabled": True}},
        "config": {
            "config_version": 1,
            "served_entities": [
                {
                    "name": "gpt-4o",
                    "external_model": {
                        "provider": "openai",
                        "name": "gpt-4o",
                        "task": "llm/v1/chat",
                        "openai_config": {"openai_api_key": "{{secrets/s/k}}"},
                    },
                    "creator": "local-admin@example.com",
                    "creation_timestamp": 1_800_000_000_000,
                    "state": {"deployment": "DEPLOYMENT_READY", "deployment_state_message": ""},
                }
            ],
            "traffic_config": {
                "routes": [{"served_model_name": "gpt-4o", "served_entity_name": "gpt-4o", "traffic_percentage": 100}]
            },
        },
    }


@pytest.mark.witness("endpoint-without-config", client="HTTP")
def test_without_a_config_there_is_no_config_key_and_nothing_updates(api: Api) -> None:
    created = api.ok("POST", ENDPOINTS, {"name": "empty"})
    assert created["state"] == {"ready": "NOT_READY", "config_update": "NOT_UPDATING", "suspend": "NOT_SUSPENDED"}
    assert not {"config", "pending_config", "endpoint_type", "task"} & set(api.ok("GET", f"{ENDPOINTS}/empty"))


def test_a_taken_name_is_a_409(api: Api, create: Callable[..., dict[str, Any]]) -> None:
    create()
    answer = api("POST", ENDPOINTS, {"name": "chat"})
    assert answer.error == (409, "RESOURCE_ALREADY_EXISTS")


@pytest.mark.parametrize("name", [None, "", "a b", "a.b", "-a", "x" * 64, 7])
@pytest.mark.witness("endpoint-name-form", client="HTTP")
def test_a_bad_name_is_refused(api: Api, name: object) -> None:
    assert api("POST", ENDPOINTS, {"name": name}).error == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/none"),
        ("DELETE", "/none"),
        ("PUT", "/none/config"),
        ("PUT", "/none/ai-gateway"),
        ("PATCH", "/none/tags"),
        ("PATCH", "/none/notifications"),
        ("PUT", "/none/rate-limits"),
        ("PATCH", "/none/telemetry-config"),
        ("GET", "/none/metrics"),
        ("GET", "/none/openapi"),
        ("GET", "/none/served-models/m/logs"),
        ("GET", "/none/served-models/m/build-logs"),
    ],
)
@pytest.mark.witness("endpoint-missing", client="HTTP")
def test_an_endpoint_that_does_not_exist_is_a_404_in_the_real_words(api: Api, method: str, path: str) -> None:
    answer = api(method, ENDPOINTS + path, {} if method != "GET" else None)
    assert answer.error == (404, "RESOURCE_DOES_NOT_EXIST")
    assert answer.body["message"] == "Endpoint with name 'none' does not exist."
    assert answer.body["details"][0]["@type"] == "type.googleapis.com/google.rpc.RequestInfo"


@pytest.mark.witness("endpoint-list-short", client="HTTP")
def test_the_list_shows_short_configs_and_the_foundation_endpoints(
    api: Api, create: Callable[..., dict[str, Any]], workspace: LocalWorkspace
) -> None:
    create()
    workspace.clock.advance(5)
    listed = {each["name"]: each for each in api.ok("GET", ENDPOINTS)["endpoints"]}
    assert set(listed["chat"]["config"]) == {"served_entities"}
    assert set(listed["chat"]["config"]["served_entities"][0]) == {"name", "external_model"}
    foundation = listed["databricks-meta-llama-3-3-70b-instruct"]
    assert "id" not in foundation
    assert foundation["endpoint_type"] == "FOUNDATION_MODEL_API"
    assert foundation["state"]["ready"] == "READY"


def test_a_trailing_slash_finds_the_same_routes(api: Api) -> None:
    created = api.ok("POST", f"{ENDPOINTS}/", {"name": "slash"})
    assert created["name"] == "slash"
    assert "slash" in [each["name"] for each in api.ok("GET", f"{ENDPOINTS}/")["endpoints"]]


@pytest.mark.witness("foundation-gateway-alone", client="HTTP")
def test_a_foundation_endpoint_can_neither_be_deleted_nor_reconfigured_but_takes_a_gateway(
    api: Api, openai_entity: Callable[..., dict[str, Any]]
) -> None:
    path = f"{ENDPOINTS}/databricks-gpt-oss-120b"
    assert api("DELETE", path).error == (403, "PERMISSION_DENIED")
    assert api("PUT", f"{path}/config", {"served_entities": [openai_entity()]}).status == 400
    gateway = {"usage_tracking_config": {"enabled": True}}
    assert api.ok("PUT", f"{path}/ai-gateway", gateway) == gateway
    assert api.ok("GET", path)["ai_gateway"] == gateway


@pytest.mark.witness("endpoint-new-id", client="HTTP")
def test_a_name_that_is_deleted_and_created_again_gets_a_new_id(
    api: Api, create: Callable[..., dict[str, Any]]
) -> None:
    first = create()["id"]
    assert api.ok("DELETE", f"{ENDPOINTS}/chat") == {}
    assert api("GET", f"{ENDPOINTS}/chat").status == 404
    assert create()["id"] != first


@pytest.mark.usefixtures("create")
@pytest.mark.witness("entities-sorted", client="HTTP")
def test_served_entities_come_back_sorted_by_name_and_are_called_in_the_order_given(
    api: Api, openai_entity: Callable[..., dict[str, Any]], workspace: LocalWorkspace
) -> None:
    routes = [
        {"served_entity_name": "b", "traffic_percentage": 100},
        {"served_entity_name": "a", "traffic_percentage": 0},
    ]
    config = {"served_entities": [openai_entity("b"), openai_entity("a")], "traffic_config": {"routes": routes}}
    api.ok("POST", ENDPOINTS, {"name": "chat", "config": config})
    workspace.clock.advance(5)
    shown = api.ok("GET", f"{ENDPOINTS}/chat")["config"]["served_entities"]
    assert [each["name"] for each in shown] == ["a", "b"]
    stored = workspace._workspace.endpoints.serving(
        "chat", identity=workspace._workspace.identities.get("local-admin@example.com")
    )
    assert [each["name"] for each in stored.config["served_entities"]] == ["b", "a"]


@pytest.mark.witness("entities-twins", "entities-defaults", client="HTTP")
def test_custom_entities_get_the_servers_defaults_and_their_twin_list(api: Api, workspace: LocalWorkspace) -> None:
    api.ok(
        "POST",
        ENDPOINTS,
        {"name": "custom", "config": {"served_entities": [{**CUSTOM, "burst_scaling_enabled": True}]}},
    )
    workspace.clock.advance(60)
    config = api.ok("GET", f"{ENDPOINTS}/custom")["config"]
    entity = config["served_entities"][0]
    assert (entity["name"], entity["workload_size"], entity["workload_type"]) == ("main-ml-model-3", "Small", "CPU")
    assert "burst_scaling_enabled" not in entity
    assert config["served_models"][0]["model_name"] == "main.ml.model"
    assert config["served_models"][0]["model_version"] == "3"


def test_served_models_are_taken_for_served_entities(api: Api, workspace: LocalWorkspace) -> None:
    model = {
        "model_name": "main.ml.model",
        "model_version": "3",
        "scale_to_zero_enabled": False,
        "workload_size": "Large",
    }
    api.ok("POST", ENDPOINTS, {"name": "custom", "config": {"served_models": [model]}})
    workspace.clock.advance(60)
    entity = api.ok("GET", f"{ENDPOINTS}/custom")["config"]["served_entities"][0]
    assert (entity["entity_name"], entity["entity_version"], entity["workload_size"]) == ("main.ml.model", "3", "Large")


@pytest.mark.witness("tags-set", "tags-delete-missing", client="HTTP")
def test_tags_are_a_set(api: Api, create: Callable[..., dict[str, Any]]) -> None:
    create(tags=[{"key": "b", "value": "1"}, {"key": "a"}])
    answer = api.ok(
        "PATCH", f"{ENDPOINTS}/chat/tags", {"add_tags": [{"key": "c", "value": "2"}], "delete_tags": ["b", "missing"]}
    )
    assert answer == {"tags": [{"key": "a", "value": ""}, {"key": "c", "value": "2"}]}
    assert api.ok("GET", f"{ENDPOINTS}/chat")["tags"] == answer["tags"]


def test_the_ai_gateway_is_replaced_whole_and_cleared_by_an_empty_body(
    api: Api, create: Callable[..., dict[str, Any]]
) -> None:
    create(ai_gateway={"usage_tracking_config": {"enabled": True}})
    limits = [{"calls": 0, "renewal_period": "minute", "key": "user"}]
    assert api.ok("PUT", f"{ENDPOINTS}/chat/ai-gateway", {"rate_limits": limits}) == {"rate_limits": limits}
    assert api.ok("GET", f"{ENDPOINTS}/chat")["ai_gateway"] == {"rate_limits": limits}
    assert api.ok("PUT", f"{ENDPOINTS}/chat/ai-gateway", {}) == {}
    assert "ai_gateway" not in api.ok("GET", f"{ENDPOINTS}/chat")


def test_notifications_are_answered_with_the_name_and_read_back(
    api: Api, create: Callable[..., dict[str, Any]]
) -> None:
    create()
    notifications = {"on_update_success": ["ann@example.com"]}
    answer = api.ok("PATCH", f"{ENDPOINTS}/chat/notifications", {"email_notifications": notifications})
    assert answer == {"name": "chat", "email_notifications": notifications}
    assert api.ok("GET", f"{ENDPOINTS}/chat")["email_notifications"] == notifications


@pytest.mark.witness("rate-limits-hidden", client="HTTP")
def test_the_deprecated_rate_limits_are_taken_and_never_read_back(
    api: Api, create: Callable[..., dict[str, Any]]
) -> None:
    create()
    limits = [{"calls": 5, "renewal_period": "minute", "key": "user"}]
    assert api.ok("PUT", f"{ENDPOINTS}/chat/rate-limits", {"rate_limits": limits}) == {"rate_limits": limits}
    assert "rate_limits" not in api.ok("GET", f"{ENDPOINTS}/chat")


@pytest.mark.usefixtures("api")
@pytest.mark.witness("budget-policy-effective", client="HTTP")
def test_a_budget_policy_is_read_back_as_the_effective_one(create: Callable[..., dict[str, Any]]) -> None:
    created = create(budget_policy_id="policy")
    assert "budget_policy_id" not in created
    assert created["effective_budget_policy_id"] == "policy"


@pytest.mark.witness("telemetry-custom-alone", client="HTTP")
def test_telemetry_needs_a_custom_model_that_is_not_updating(
    api: Api, create: Callable[..., dict[str, Any]], workspace: LocalWorkspace
) -> None:
    create()
    api.ok("POST", ENDPOINTS, {"name": "empty"})
    api.ok("POST", ENDPOINTS, {"name": "custom", "config": {"served_entities": [CUSTOM]}})
    telemetry = {"telemetry_config": {"telemetry_profile_id": "p", "table_names": {"logs_table": "c.s.t"}}}
    busy = api("PATCH", f"{ENDPOINTS}/custom/telemetry-config", telemetry)
    assert busy.error == (409, "RESOURCE_CONFLICT")
    workspace.clock.advance(60)
    external = api("PATCH", f"{ENDPOINTS}/chat/telemetry-config", telemetry)
    assert external.body["message"].startswith(
        "Telemetry configuration is not supported for endpoint type 'EXTERNAL_MODELS'."
    )
    empty = api("PATCH", f"{ENDPOINTS}/empty/telemetry-config", telemetry)
    assert "'NO_CONFIG'" in empty.body["message"]
    shown = api.ok("PATCH", f"{ENDPOINTS}/custom/telemetry-config", telemetry)["telemetry_config"]
    assert shown == {"telemetry_profile_id": "p", "inference_table_config": {"name": "c.s.t_payload"}}
    assert "telemetry_config" not in api.ok("PATCH", f"{ENDPOINTS}/custom/telemetry-config", {})


def test_create_drops_telemetry_that_the_endpoint_cannot_have(create: Callable[..., dict[str, Any]]) -> None:
    assert "telemetry_config" not in create(telemetry_config={"telemetry_profile_id": "p"})


def test_provisioned_throughput_has_routes_of_its_own(api: Api, workspace: LocalWorkspace) -> None:
    entity = {"entity_name": "system.ai.llama", "entity_version": "1", "provisioned_model_units": 50}
    api.ok("POST", f"{ENDPOINTS}/pt", {"name": "pt", "config": {"served_entities": [entity]}})
    workspace.clock.advance(60)
    more = {"config": {"served_entities": [{**entity, "provisioned_model_units": 100}]}}
    api.ok("PUT", f"{ENDPOINTS}/pt/pt/config", more)
    workspace.clock.advance(60)
    config = api.ok("GET", f"{ENDPOINTS}/pt")["config"]
    assert (config["config_version"], config["served_entities"][0]["provisioned_model_units"]) == (2, 100)


@pytest.mark.witness("throughput-eligible", client="HTTP")
def test_a_model_that_cannot_have_provisioned_throughput_is_refused_in_the_real_words(api: Api) -> None:
    entity = {"entity_name": "main.ml.model", "entity_version": "1", "provisioned_model_units": 50}
    answer = api("POST", f"{ENDPOINTS}/pt", {"name": "pt", "config": {"served_entities": [entity]}})
    assert answer.error == (400, "INVALID_PARAMETER_VALUE")
    assert answer.body["message"] == "Served entity main.ml.model is not eligible for Provisioned Throughput."


def test_metrics_and_openapi_are_text(
    api: Api, create: Callable[..., dict[str, Any]], workspace: LocalWorkspace
) -> None:
    create()
    workspace.clock.advance(5)
    metrics = api.ok("GET", f"{ENDPOINTS}/chat/metrics").splitlines()
    assert metrics[:2] == ["# TYPE request_count counter", 'request_count_total{endpoint_name="chat"} 0']
    assert metrics[-1] == "# EOF"
    answer = api("GET", f"{ENDPOINTS}/chat/openapi")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "/serving-endpoints/chat/invocations" in answer.body["paths"]


def test_logs_exist_for_custom_models_alone(api: Api, create: Callable[..., dict[str, Any]]) -> None:
    create()
    api.ok("POST", ENDPOINTS, {"name": "custom", "config": {"served_entities": [CUSTOM]}})
    assert api("GET", f"{ENDPOINTS}/chat/served-models/gpt-4o/logs").error == (400, "BAD_REQUEST")
    assert api.ok("GET", f"{ENDPOINTS}/custom/served-models/main-ml-model-3/build-logs") == {"logs": ""}
    assert api("GET", f"{ENDPOINTS}/custom/served-models/none/logs").error == (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.witness("route-unknown", client="HTTP")
def test_an_unknown_route_is_a_404_in_the_real_words_and_is_counted(api: Api, workspace: LocalWorkspace) -> None:
    answer = api("GET", "/api/2.0/clusters/list")
    assert answer.status == 404
    assert answer.body["message"] == "No API found for 'GET /clusters/list'"
    assert api("POST", f"{ENDPOINTS}/chat").status == 404
    assert workspace.unknown == {"GET /api/2.0/clusters/list": 1, f"POST {ENDPOINTS}/chat": 1}
    assert api.ok("GET", "/_local/unknown") == {"unknown": workspace.unknown}


@pytest.mark.parametrize("path", ["chat/invocation", "chat/served-models/x", "chat/served-models/x/invoke"])
@pytest.mark.witness("call-one-served-model", client="HTTP")
def test_a_wrong_path_of_a_call_is_answered_in_the_real_words(api: Api, path: str) -> None:
    answer = api("POST", f"/serving-endpoints/{path}", {})
    assert answer.status == 404
    assert answer.body["message"].startswith("Path must be of form")


@pytest.mark.witness("endpoint-limit", client="HTTP")
def test_the_thousand_and_first_endpoint_is_refused(api: Api, workspace: LocalWorkspace) -> None:
    admin = workspace._workspace.identities.get("local-admin@example.com")
    for number in range(1000):
        workspace._workspace.endpoints.create({"name": f"e{number}"}, identity=admin)
    assert api("POST", ENDPOINTS, {"name": "more"}).error == (400, "RESOURCE_LIMIT_EXCEEDED")
    api.ok("DELETE", f"{ENDPOINTS}/e0")
    api.ok("POST", ENDPOINTS, {"name": "more"})
