"""An edit of one block sends that block, whole, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from tests.provisioning.conftest import Configs, Provision, Writes

pytestmark = pytest.mark.usefixtures("workspace")

CHAT = "/api/2.0/serving-endpoints/chat"
TAGS = f"PATCH {CHAT}/tags"


def edited(configs: Configs, provision: Provision, writes: Writes, **blocks: Any) -> list[str]:  # noqa: ANN401 - any block
    """Apply, change blocks of the endpoint, apply again; return what that wrote."""
    assert provision("apply", configs.write(), "--yes").code == 0
    writes()
    configs.endpoint.update(blocks)
    result = provision("apply", configs.write(), "--yes")
    assert result.code == 0, result.err
    written = writes()
    assert provision("plan", configs, "--detailed-exitcode").code == 0
    return written


def test_edited_gateway_does_not_deploy_the_config_of_declared_routes_again(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    entities = configs.endpoint["config"]["served_entities"]
    entities.append({**entities[0], "name": "spare"})
    routes = [
        {"served_entity_name": "gpt", "traffic_percentage": 100},
        {"served_model_name": "spare", "traffic_percentage": 0},
    ]
    configs.endpoint["config"]["traffic_config"] = {"routes": routes}

    written = edited(configs, provision, writes, ai_gateway={"usage_tracking_config": {"enabled": False}})

    assert written == [f"PUT {CHAT}/ai-gateway", TAGS]


def test_inference_table_is_renamed_while_it_is_off(
    configs: Configs, provision: Provision, writes: Writes, client: WorkspaceClient
) -> None:
    table = {"enabled": True, "catalog_name": "main", "schema_name": "logs"}
    configs.endpoint["ai_gateway"] = {"inference_table_config": table}

    written = edited(configs, provision, writes, ai_gateway={"inference_table_config": {**table, "schema_name": "new"}})

    assert written == [f"PUT {CHAT}/ai-gateway", f"PUT {CHAT}/ai-gateway", TAGS]
    gateway = client.serving_endpoints.get("chat").ai_gateway
    assert gateway is not None
    assert gateway.inference_table_config is not None
    assert (gateway.inference_table_config.schema_name, gateway.inference_table_config.enabled) == ("new", True)


def test_prefix_that_the_server_filled_in_is_no_difference(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    table = {"enabled": True, "catalog_name": "main", "schema_name": "logs"}
    configs.endpoint["ai_gateway"] = {"inference_table_config": table}

    assert edited(configs, provision, writes, tags=[{"key": "team", "value": "other"}]) == [TAGS]


def test_written_out_prefix_is_the_same_config(configs: Configs, provision: Provision, writes: Writes) -> None:
    table = {"enabled": True, "catalog_name": "main", "schema_name": "logs"}
    configs.endpoint["ai_gateway"] = {"inference_table_config": table}

    written = edited(
        configs, provision, writes, ai_gateway={"inference_table_config": {**table, "table_name_prefix": "chat"}}
    )

    assert written == []


def test_edit_below_a_field_that_is_never_returned_is_sent(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    entity = {"name": "own", "entity_name": "c.s.m", "entity_version": "1", "scale_to_zero_enabled": True}
    configs.endpoint["config"]["served_entities"] = [entity]
    del configs.endpoint["ai_gateway"]
    configs.endpoint["telemetry_config"] = {"table_names": {"logs_table": "main.one.logs"}}

    written = edited(configs, provision, writes, telemetry_config={"table_names": {"logs_table": "main.two.logs"}})

    assert written == [f"PATCH {CHAT}/telemetry-config", TAGS]


def test_budget_policy_that_cannot_change_is_said(configs: Configs, provision: Provision, writes: Writes) -> None:
    configs.endpoint["budget_policy_id"] = "one"
    edited(configs, provision, writes, budget_policy_id="two")

    assert "its budget policy stays one: there is no route to change it" in provision("plan", configs).out


def test_edit_beside_fixed_names_that_are_not_declared_replaces_nothing(
    configs: Configs, provision: Provision, writes: Writes, client: WorkspaceClient
) -> None:
    entity = {"name": "own", "entity_name": "c.s.m", "entity_version": "1", "scale_to_zero_enabled": True}
    logging = {"catalog_name": "main", "schema_name": "logs", "table_name_prefix": "own", "enabled": True}
    configs.endpoint["config"] = {"served_entities": [entity], "auto_capture_config": logging}
    del configs.endpoint["ai_gateway"]
    assert provision("apply", configs.write(), "--yes").code == 0
    endpoint_id = client.serving_endpoints.get("chat").id

    configs.endpoint["config"]["auto_capture_config"] = {"enabled": True}
    edited(configs, provision, writes, tags=[{"key": "team", "value": "other"}])

    assert client.serving_endpoints.get("chat").id == endpoint_id
