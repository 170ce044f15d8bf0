"""Every field that a bundle has for these resources is accepted, kept as written, and sent as the API wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from provisioning.config.schema import json_schema
from provisioning.model.endpoints import OWN_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioning.errors import Diagnostic
    from provisioning.model.workspace import Desired

EXTERNAL = """
name: external
description: every field of an external endpoint
route_optimized: false
budget_policy_id: 0b0b
tags: [{key: team, value: a}, {key: alone}]
email_notifications: {on_update_success: [a@example.com], on_update_failure: []}
config:
  served_entities:
    - name: azure
      external_model:
        provider: openai
        name: gpt-4o
        task: llm/v1/chat
        openai_config:
          openai_api_type: azuread
          openai_api_base: https://a.example
          openai_api_version: "2024-10-21"
          openai_deployment_name: d
          openai_organization: o
          microsoft_entra_tenant_id: t
          microsoft_entra_client_id: c
          microsoft_entra_client_secret: "{{secrets/elsewhere/k}}"
    - name: own
      external_model:
        provider: custom
        name: m
        task: llm/v1/chat
        custom_provider_config:
          custom_provider_url: https://p.example
          api_key_auth: {key: x-api-key, value: "{{secrets/elsewhere/k}}"}
  traffic_config:
    routes:
      - {served_entity_name: azure, traffic_percentage: 100}
      - {served_model_name: own, traffic_percentage: 0}
  auto_capture_config: {catalog_name: c, schema_name: s, table_name_prefix: p, enabled: true}
ai_gateway:
  usage_tracking_config: {enabled: true}
  inference_table_config: {enabled: true, catalog_name: c, schema_name: s, table_name_prefix: p}
  fallback_config: {enabled: true}
  rate_limits:
    - {calls: 0, renewal_period: minute}
    - {tokens: 5, key: user, principal: a@example.com, renewal_period: minute}
    - {calls: 5, key: user_group, principal: g, renewal_period: minute}
    - {calls: 5, key: service_principal, principal: sp, renewal_period: minute}
  guardrails:
    input: {pii: {behavior: BLOCK}, safety: true, invalid_keywords: [a], valid_topics: [b]}
    output: {pii: {behavior: MASK}}
rate_limits: [{calls: 5, key: endpoint, renewal_period: minute}]
permissions:
  - {level: CAN_MANAGE, group_name: admins}
  - {level: CAN_QUERY, user_name: a@example.com}
  - {level: CAN_VIEW, service_principal_name: sp}
permissions_mode: additive
lifecycle: {prevent_destroy: true}
moved: {from: chat-before}
"""

CUSTOM = """
name: custom
config:
  served_entities:
    - name: own
      entity_name: c.s.m
      entity_version: "1"
      workload_size: Small
      workload_type: GPU_SMALL
      scale_to_zero_enabled: false
      environment_vars: {TOKEN: "{{secrets/elsewhere/k}}", PLAIN: x}
      instance_profile_arn: arn:aws:iam::1:instance-profile/x
      min_provisioned_concurrency: 4
      max_provisioned_concurrency: 8
      burst_scaling_enabled: true
    - name: foundation
      entity_name: system.ai.m
      entity_version: "2"
      min_provisioned_throughput: 0
      max_provisioned_throughput: 100
      provisioned_model_units: 50
  traffic_config:
    routes:
      - {served_entity_name: own, traffic_percentage: 50}
      - {served_entity_name: foundation, traffic_percentage: 50}
telemetry_config:
  enabled_telemetry_features: [TELEMETRY_FEATURE_LOGS, TELEMETRY_FEATURE_TRACES]
  table_names: {annotations_table: a, logs_table: b, metrics_table: c, traces_table: d}
  inference_table_config: {sampling_fraction: 0.5}
  telemetry_profile_id: p
"""

OLD = """
name: old
config:
  served_models:
    - {name: m, model_name: c.s.m, model_version: "1", workload_size: Small, scale_to_zero_enabled: true}
  traffic_config: {routes: [{served_model_name: m, traffic_percentage: 100}]}
"""

SCOPES = """
plain:
  name: plain
  backend_type: DATABRICKS
  secrets:
    a: {env: A, version: 2}
    b: {external: true}
  permissions: [{level: READ, service_principal_name: sp}, {level: WRITE, user_name: a@example.com}]
  permissions_mode: additive
  lifecycle: {prevent_destroy: true, keep_unmanaged_secrets: true}
vault:
  name: vault
  backend_type: AZURE_KEYVAULT
  keyvault_metadata: {resource_id: /subscriptions/x, dns_name: https://v.vault.azure.net/}
  secrets: {k: {external: true}}
"""


def bundle() -> tuple[str, dict[str, Any]]:
    endpoints = {each["name"]: each for each in map(_document, (EXTERNAL, CUSTOM, OLD))}
    resources = {"model_serving_endpoints": endpoints, "secret_scopes": _document(SCOPES)}
    return yaml.safe_dump({"resources": resources}), endpoints


def _document(text: str) -> Any:  # noqa: ANN401 - YAML of any shape
    return yaml.safe_load(text)


def test_every_field_is_accepted(found: Callable[..., tuple[Diagnostic, ...]]) -> None:
    text, _endpoints = bundle()
    assert {each.code for each in found(text)} == {"P501"}


def test_every_field_is_sent_as_written(loaded: Callable[..., Desired]) -> None:
    text, endpoints = bundle()
    for endpoint in loaded(text).endpoints:
        written = endpoints[endpoint.name]
        assert endpoint.body() == {key: value for key, value in written.items() if key not in OWN_FIELDS}


def test_every_field_of_the_models_is_in_this_page() -> None:
    text = EXTERNAL + CUSTOM + OLD + SCOPES
    blocks = json_schema()["$defs"]
    for name in ("ModelServingEndpoint", "EndpointConfig", "ServedEntity", "AiGatewayConfig", "SecretScope"):
        assert [field for field in blocks[name]["properties"] if f"{field}:" not in text] == [], name


def test_every_setting_of_a_bundle_is_taken(found: Callable[..., tuple[Diagnostic, ...]]) -> None:
    settings = """
    bundle:
      name: demo
      uuid: 0b0b0b0b-0000-0000-0000-000000000000
      databricks_cli_version: ">= 0.250.0"
      git: {branch: main, origin_url: https://g.example/r}
      deployment: {fail_on_active_runs: true, lock: {enabled: true}}
      cluster_id: c
      compute_id: c
      engine: direct
    workspace:
      host: https://w.example
      profile: p
      account_id: a
      workspace_id: 1
      experimental_is_unified_host: true
      root_path: /Workspace/Shared/x
      file_path: /Workspace/Shared/x/files
      artifact_path: /Workspace/Shared/x/artifacts
      state_path: /Workspace/Shared/x/state
      resource_path: /Workspace/Shared/x/resources
    presets:
      name_prefix: a
      pipelines_development: true
      trigger_pause_status: PAUSED
      jobs_max_concurrent_runs: 3
      source_linked_deployment: false
      artifacts_dynamic_version: true
      tags: {team: a}
    variables:
      plain: {description: d, default: x}
      list: {type: complex, default: [a]}
      cluster: {lookup: {cluster: shared}}
    run_as: {user_name: ann@example.com}
    sync: {include: [a], exclude: [b], paths: [.]}
    artifacts: {default: {type: whl, path: .}}
    scripts: {hello: {content: echo hello}}
    experimental: {skip_artifact_cleanup: true}
    targets:
      dev:
        default: true
        mode: development
        compute_id: c
        cluster_id: c
        git: {branch: main}
        sync: {paths: [.]}
        artifacts: {}
        bundle: {name: demo}
        run_as: {service_principal_name: sp}
        permissions: [{level: CAN_RUN, group_name: g}]
        presets: {source_linked_deployment: true}
        variables: {plain: y, list: [b], cluster: {lookup: {cluster: other}}}
    """
    assert found(settings) == ()
