"""The models hold every field that the SDK can send, by name: an SDK that adds one fails here by that name."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from enum import Enum

import pytest
from databricks.sdk.service import serving, workspace

from provisioning.model import endpoints, entities, gateway, permissions, providers, scopes, telemetry

if typing.TYPE_CHECKING:
    from pydantic import BaseModel

PAIRS: dict[type[BaseModel], type] = {
    providers.ExternalModel: serving.ExternalModel,
    providers.OpenAiConfig: serving.OpenAiConfig,
    providers.AnthropicConfig: serving.AnthropicConfig,
    providers.AmazonBedrockConfig: serving.AmazonBedrockConfig,
    providers.CohereConfig: serving.CohereConfig,
    providers.Ai21LabsConfig: serving.Ai21LabsConfig,
    providers.GoogleCloudVertexAiConfig: serving.GoogleCloudVertexAiConfig,
    providers.DatabricksModelServingConfig: serving.DatabricksModelServingConfig,
    providers.PaLmConfig: serving.PaLmConfig,
    providers.CustomProviderConfig: serving.CustomProviderConfig,
    providers.ApiKeyAuth: serving.ApiKeyAuth,
    providers.BearerTokenAuth: serving.BearerTokenAuth,
    entities.ServedEntity: serving.ServedEntityInput,
    entities.ServedModel: serving.ServedModelInput,
    entities.Route: serving.Route,
    entities.TrafficConfig: serving.TrafficConfig,
    entities.AutoCaptureConfig: serving.AutoCaptureConfigInput,
    gateway.AiGatewayConfig: serving.AiGatewayConfig,
    gateway.RateLimit: serving.AiGatewayRateLimit,
    gateway.Guardrails: serving.AiGatewayGuardrails,
    gateway.GuardrailParameters: serving.AiGatewayGuardrailParameters,
    gateway.PiiBehavior: serving.AiGatewayGuardrailPiiBehavior,
    gateway.InferenceTableConfig: serving.AiGatewayInferenceTableConfig,
    gateway.UsageTrackingConfig: serving.AiGatewayUsageTrackingConfig,
    gateway.FallbackConfig: serving.FallbackConfig,
    endpoints.EndpointConfig: serving.EndpointCoreConfigInput,
    endpoints.Tag: serving.EndpointTag,
    endpoints.EmailNotifications: serving.EmailNotifications,
    endpoints.LegacyRateLimit: serving.RateLimit,
    telemetry.TelemetryConfig: serving.TelemetryConfig,
    telemetry.TelemetryTableNames: serving.UnityCatalogTableNames,
    telemetry.TelemetryInferenceTableConfig: serving.TelemetryInferenceTableConfig,
    permissions.EndpointPermission: serving.ServingEndpointAccessControlRequest,
    scopes.KeyVaultMetadata: workspace.AzureKeyVaultSecretScopeMetadata,
}

NOT_OURS = {
    (endpoints.EndpointConfig, "name"): "the endpoint's own name, repeated in the body of an update",
    (telemetry.TelemetryInferenceTableConfig, "name"): "set by the server",
    (permissions.EndpointPermission, "permission_level"): "bundles call it `level`",
}
"""Fields of the SDK that a config does not have, and why."""

NOT_THEIRS = {
    (permissions.EndpointPermission, "level"): "`permission_level` in the API",
}
"""Fields of a config that the SDK does not have, and why."""


@pytest.mark.parametrize(("ours", "theirs"), PAIRS.items(), ids=lambda kind: kind.__name__)
def test_a_model_has_the_fields_of_its_twin(ours: type[BaseModel], theirs: type) -> None:
    known = {field.name for field in dataclasses.fields(theirs)}
    listed = set(ours.model_fields)
    assert known - listed == {name for kind, name in NOT_OURS if kind is ours}
    assert listed - known == {name for kind, name in NOT_THEIRS if kind is ours}


@pytest.mark.parametrize(("ours", "theirs"), PAIRS.items(), ids=lambda kind: kind.__name__)
def test_a_model_allows_the_values_of_its_twin(ours: type[BaseModel], theirs: type) -> None:
    for name, hint in typing.get_type_hints(theirs).items():
        values = {member.value for member in _enum_in(hint)}
        if values and name in ours.model_fields and (ours, name) not in NOT_OURS:
            assert values == _literals_in(ours.model_fields[name].annotation), f"{ours.__name__}.{name}"


def test_the_endpoint_has_the_arguments_of_create() -> None:
    arguments = set(inspect.signature(serving.ServingEndpointsAPI.create).parameters) - {"self"}
    assert set(endpoints.ModelServingEndpoint.model_fields) - endpoints.OWN_FIELDS == arguments


def test_the_scope_has_the_arguments_of_create() -> None:
    arguments = set(inspect.signature(workspace.SecretsAPI.create_scope).parameters) - {"self"}
    assert arguments == {"scope", "scope_backend_type", "backend_azure_keyvault", "initial_manage_principal"}
    assert {each.value for each in workspace.ScopeBackendType} == {"DATABRICKS", "AZURE_KEYVAULT"}


def test_the_levels_are_those_of_the_apis() -> None:
    assert set(typing.get_args(permissions.ScopeLevel)) == {each.value for each in workspace.AclPermission}
    assert set(typing.get_args(permissions.EndpointLevel)) == {
        each.value for each in serving.ServingEndpointPermissionLevel
    }


def test_every_provider_has_its_block() -> None:
    assert set(providers.CONFIG_OF) == set(typing.get_args(providers.Provider))
    assert set(providers.CONFIG_OF.values()) <= set(providers.ExternalModel.model_fields)


def _enum_in(hint: object) -> list[Enum]:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)
    return [member for each in typing.get_args(hint) for member in _enum_in(each)]


def _literals_in(annotation: object) -> set[object]:
    if typing.get_origin(annotation) is typing.Literal:
        return set(typing.get_args(annotation))
    return {value for each in typing.get_args(annotation) for value in _literals_in(each)}
