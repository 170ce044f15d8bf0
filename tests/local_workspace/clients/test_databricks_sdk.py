"""The unmodified databricks-sdk, through what a provisioning tool does with it."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    InvalidParameterValue,
    NotFound,
    OperationFailed,
    PermissionDenied,
    ResourceAlreadyExists,
    ResourceConflict,
    ResourceDoesNotExist,
    Unauthenticated,
)
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.serving import (
    AiGatewayConfig,
    AiGatewayRateLimit,
    AiGatewayRateLimitRenewalPeriod,
    AiGatewayUsageTrackingConfig,
    ChatMessage,
    ChatMessageRole,
    EmailNotifications,
    EndpointCoreConfigInput,
    EndpointStateConfigUpdate,
    EndpointStateReady,
    EndpointTag,
    ExternalModel,
    ExternalModelProvider,
    OpenAiConfig,
    PtEndpointCoreConfig,
    PtServedModel,
    RateLimit,
    RateLimitRenewalPeriod,
    Route,
    ServedEntityInput,
    ServingEndpointAccessControlRequest,
    ServingEndpointPermissionLevel,
    TelemetryConfig,
    TrafficConfig,
)
from databricks.sdk.service.workspace import AclPermission

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databricks.sdk.service.serving import ServingEndpointDetailed

APPLICATION = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def instant() -> Iterator[LocalWorkspace]:
    with LocalWorkspace(deploy_seconds=0) as running:
        yield running


@pytest.fixture
def client(instant: LocalWorkspace) -> WorkspaceClient:
    return WorkspaceClient(host=instant.host, token=instant.token)


def entity(name: str = "gpt-4o", key: str = "{{secrets/team/openai}}") -> ServedEntityInput:
    return ServedEntityInput(
        name=name,
        external_model=ExternalModel(
            provider=ExternalModelProvider.OPENAI,
            name=name,
            task="llm/v1/chat",
            openai_config=OpenAiConfig(openai_api_key=key),
        ),
    )


@pytest.fixture
def chat(client: WorkspaceClient) -> ServingEndpointDetailed:
    client.secrets.create_scope("team")
    client.secrets.put_secret("team", "openai", string_value="sk-simulated")
    return client.serving_endpoints.create_and_wait(
        "chat",
        config=EndpointCoreConfigInput(name="chat", served_entities=[entity()]),
        tags=[EndpointTag("team", "ml")],
        ai_gateway=AiGatewayConfig(usage_tracking_config=AiGatewayUsageTrackingConfig(enabled=True)),
        timeout=timedelta(seconds=30),
    )


@pytest.mark.witness(
    "auth-me",
    "auth-discovery",
    "GET /api/2.0/preview/scim/v2/Me",
    "GET /.well-known/databricks-config",
    client="databricks-sdk",
)
def test_who_and_where(client: WorkspaceClient, instant: LocalWorkspace) -> None:
    assert client.current_user.me().user_name == "local-admin@example.com"
    assert str(client.get_workspace_id()) == instant.workspace_id


@pytest.mark.witness(
    "secret-read-base64",
    "scope-creator-manages",
    "secret-read-remotely",
    "POST /api/2.0/secrets/scopes/create",
    "POST /api/2.0/secrets/scopes/delete",
    "POST /api/2.0/secrets/put",
    "POST /api/2.0/secrets/delete",
    "POST /api/2.0/secrets/acls/put",
    "POST /api/2.0/secrets/acls/delete",
    "GET /api/2.0/secrets/scopes/list",
    "GET /api/2.0/secrets/get",
    "GET /api/2.0/secrets/list",
    "GET /api/2.0/secrets/acls/get",
    "GET /api/2.0/secrets/acls/list",
    client="databricks-sdk",
)
def test_secrets_and_acls(client: WorkspaceClient) -> None:
    client.secrets.create_scope("team")
    client.secrets.put_secret("team", "text", string_value="value")
    client.secrets.put_secret("team", "bytes", bytes_value=base64.b64encode(b"\x00").decode())
    client.secrets.put_acl("team", "users", AclPermission.READ)
    assert [scope.name for scope in client.secrets.list_scopes()] == ["team"]
    assert {each.key for each in client.secrets.list_secrets("team")} == {"text", "bytes"}
    assert base64.b64decode(client.secrets.get_secret("team", "text").value) == b"value"
    assert client.secrets.get_acl("team", "users").permission is AclPermission.READ
    assert {each.principal for each in client.secrets.list_acls("team")} == {"users", "local-admin@example.com"}
    client.secrets.delete_acl("team", "users")
    client.secrets.delete_secret("team", "text")
    client.secrets.delete_scope("team")
    assert list(client.secrets.list_scopes()) == []


@pytest.mark.witness(
    "endpoint-starts-updating",
    "entities-defaults",
    "POST /api/2.0/serving-endpoints",
    "GET /api/2.0/serving-endpoints/{name}",
    client="databricks-sdk",
)
def test_create_and_wait(chat: ServingEndpointDetailed) -> None:
    assert chat.state.ready is EndpointStateReady.READY
    assert chat.config.config_version == 1
    assert chat.config.traffic_config.routes[0].traffic_percentage == 100
    assert chat.ai_gateway.usage_tracking_config.enabled is True


@pytest.mark.usefixtures("chat")
@pytest.mark.witness("config-version", "PUT /api/2.0/serving-endpoints/{name}/config", client="databricks-sdk")
def test_update_config_and_wait(client: WorkspaceClient) -> None:
    updated = client.serving_endpoints.update_config_and_wait(
        "chat",
        served_entities=[entity("a"), entity("b")],
        traffic_config=TrafficConfig(routes=[Route(30, served_entity_name="a"), Route(70, served_entity_name="b")]),
        timeout=timedelta(seconds=30),
    )
    assert updated.config.config_version == 2
    assert [each.name for each in updated.config.served_entities] == ["a", "b"]


@pytest.mark.usefixtures("chat")
@pytest.mark.witness(
    "gateway-replaced-whole",
    "tags-set",
    "PATCH /api/2.0/serving-endpoints/{name}/tags",
    "PUT /api/2.0/serving-endpoints/{name}/ai-gateway",
    "PATCH /api/2.0/serving-endpoints/{name}/notifications",
    client="databricks-sdk",
)
def test_tags_gateway_and_notifications(client: WorkspaceClient) -> None:
    tags = client.serving_endpoints.patch("chat", add_tags=[EndpointTag("a", "1")], delete_tags=["team"])
    assert tags.tags == [EndpointTag("a", "1")]
    limit = AiGatewayRateLimit(renewal_period=AiGatewayRateLimitRenewalPeriod.MINUTE, calls=5)
    assert client.serving_endpoints.put_ai_gateway("chat", rate_limits=[limit]).rate_limits == [limit]
    mails = EmailNotifications(on_update_failure=["a@example.com"])
    answer = client.serving_endpoints.update_notifications("chat", email_notifications=mails)
    assert answer.email_notifications == mails
    shown = client.serving_endpoints.get("chat")
    assert shown.ai_gateway.rate_limits == [limit]
    assert shown.ai_gateway.usage_tracking_config is None


@pytest.mark.witness(
    "permissions-object-type",
    "permissions-admins-inherit",
    "acl-unknown-principal",
    "GET /api/2.0/permissions/serving-endpoints/{id}",
    "PUT /api/2.0/permissions/serving-endpoints/{id}",
    "PATCH /api/2.0/permissions/serving-endpoints/{id}",
    "GET /api/2.0/permissions/serving-endpoints/{id}/permissionLevels",
    client="databricks-sdk",
)
def test_permissions(client: WorkspaceClient, chat: ServingEndpointDetailed) -> None:
    client.serving_endpoints.set_permissions(
        chat.id,
        access_control_list=[
            ServingEndpointAccessControlRequest(
                group_name="users", permission_level=ServingEndpointPermissionLevel.CAN_QUERY
            )
        ],
    )
    entry = AccessControlRequest(service_principal_name=APPLICATION, permission_level=PermissionLevel.CAN_VIEW)
    client.permissions.update("serving-endpoints", chat.id, access_control_list=[entry])
    permissions = client.serving_endpoints.get_permissions(chat.id)
    assert permissions.object_type == "serving-endpoint"
    names = {
        each.group_name or each.user_name or each.service_principal_name for each in permissions.access_control_list
    }
    assert names == {"users", "local-admin@example.com", APPLICATION, "admins"}
    levels = client.serving_endpoints.get_permission_levels(chat.id).permission_levels
    assert len(levels) == 3


@pytest.mark.usefixtures("chat")
@pytest.mark.witness(
    "endpoint-missing",
    "GET /api/2.0/serving-endpoints",
    "DELETE /api/2.0/serving-endpoints/{name}",
    client="databricks-sdk",
)
def test_list_query_and_delete(client: WorkspaceClient) -> None:
    assert "chat" in [each.name for each in client.serving_endpoints.list()]
    messages = [ChatMessage(role=ChatMessageRole.USER, content="hi")]
    answer = client.serving_endpoints.query("chat", messages=messages)
    assert answer.choices[0].message.content
    client.serving_endpoints.delete("chat")
    with pytest.raises(ResourceDoesNotExist, match="Endpoint with name 'chat' does not exist"):
        client.serving_endpoints.get("chat")


@pytest.mark.witness("call-served-model-header", "POST /serving-endpoints/{name}/invocations", client="databricks-sdk")
def test_query_says_which_model_served(databricks: LocalWorkspace, chat_endpoint: str) -> None:
    sdk = WorkspaceClient(host=databricks.host, token=databricks.token)
    message = ChatMessage(role=ChatMessageRole.USER, content="Say hello")
    answer = sdk.serving_endpoints.query(chat_endpoint, messages=[message], max_tokens=20, temperature=0)
    assert answer.choices[0].message.content == "hello"
    assert answer.served_model_name == ("gpt-4o" if chat_endpoint == "chat" else chat_endpoint)
    assert answer.usage.total_tokens > 0


@pytest.mark.witness(
    "call-one-served-model", "POST /serving-endpoints/{name}/served-models/{model}/invocations", client="databricks-sdk"
)
def test_query_of_one_served_model(databricks: LocalWorkspace, chat_endpoint: str) -> None:
    sdk = WorkspaceClient(host=databricks.host, token=databricks.token)
    served = "gpt-4o" if chat_endpoint == "chat" else chat_endpoint
    body = {"messages": [{"role": "user", "content": "Say hello"}]}
    # query() knows no served model (databricks-sdk-py#1043); the SDK's own client does.
    path = f"/serving-endpoints/{chat_endpoint}/served-models/{{}}/invocations"
    answer = sdk.api_client.do("POST", path.format(served), body=body, response_headers=["served-model-name"])
    assert answer["choices"][0]["message"]["content"] == "hello"
    assert answer["served-model-name"] == served
    with pytest.raises(NotFound):
        sdk.api_client.do("POST", path.format("none"), body=body)


def test_query_embeds(databricks: LocalWorkspace, embedding_endpoint: str) -> None:
    sdk = WorkspaceClient(host=databricks.host, token=databricks.token)
    answer = sdk.serving_endpoints.query(embedding_endpoint, input=["a", "b"])
    first, second = (each.embedding for each in answer.data)
    assert len(first) == len(second) > 1
    assert first != second


@pytest.mark.filterwarnings("ignore:get_open_ai_client:DeprecationWarning")  # the SDK points at databricks-openai
def test_the_sdks_openai_client(databricks: LocalWorkspace, chat_endpoint: str) -> None:
    sdk = WorkspaceClient(host=databricks.host, token=databricks.token)
    with sdk.serving_endpoints.get_open_ai_client() as client:
        messages = [{"role": "user", "content": "Say hello"}]
        answer = client.chat.completions.create(model=chat_endpoint, messages=messages)
    assert answer.choices[0].message.content == "hello"


@pytest.mark.usefixtures("chat")
@pytest.mark.witness(
    "GET /api/2.0/serving-endpoints/{name}/metrics",
    "GET /api/2.0/serving-endpoints/{name}/openapi",
    client="databricks-sdk",
)
def test_reports(client: WorkspaceClient) -> None:
    assert b"request_count" in client.serving_endpoints.export_metrics("chat").contents.read()
    assert b"invocations" in client.serving_endpoints.get_open_api("chat").contents.read()


@pytest.mark.witness(
    "GET /api/2.0/serving-endpoints/{name}/served-models/{model}/build-logs",
    "GET /api/2.0/serving-endpoints/{name}/served-models/{model}/logs",
    "PATCH /api/2.0/serving-endpoints/{name}/telemetry-config",
    client="databricks-sdk",
)
def test_logs_and_telemetry_of_a_custom_model(client: WorkspaceClient, instant: LocalWorkspace) -> None:
    custom = ServedEntityInput(
        name="m", entity_name="main.ml.m", entity_version="1", workload_size="Small", scale_to_zero_enabled=True
    )
    client.serving_endpoints.create("custom", config=EndpointCoreConfigInput(name="custom", served_entities=[custom]))
    instant.clock.advance(60)
    assert client.serving_endpoints.build_logs("custom", "m").logs is not None
    assert client.serving_endpoints.logs("custom", "m").logs is not None
    telemetry = TelemetryConfig(telemetry_profile_id="p")
    client.serving_endpoints.patch_telemetry_config("custom", telemetry_config=telemetry)
    assert client.serving_endpoints.get("custom").telemetry_config.telemetry_profile_id == "p"


@pytest.mark.witness("GET /api/2.0/serving-endpoints:foundation-models", client="databricks-sdk")
def test_the_pay_per_token_endpoints_are_listed(client: WorkspaceClient) -> None:
    listed = client.api_client.do("GET", "/api/2.0/serving-endpoints:foundation-models")
    assert "databricks-gte-large-en" in {each["name"] for each in listed["endpoints"]}


@pytest.mark.witness("rate-limits-hidden", "PUT /api/2.0/serving-endpoints/{name}/rate-limits", client="databricks-sdk")
def test_the_deprecated_limits_are_put(client: WorkspaceClient, chat: ServingEndpointDetailed) -> None:
    limit = RateLimit(calls=1, renewal_period=RateLimitRenewalPeriod.MINUTE)
    assert client.serving_endpoints.put(chat.name, rate_limits=[limit]).rate_limits == [limit]


@pytest.mark.witness(
    "POST /api/2.0/serving-endpoints/pt",
    "PUT /api/2.0/serving-endpoints/pt/{name}/config",
    client="databricks-sdk",
)
def test_provisioned_throughput_and_logs_of_what_serves(client: WorkspaceClient) -> None:
    served = PtServedModel(entity_name="system.ai.llama", entity_version="1", provisioned_model_units=50, name="llama")
    config = PtEndpointCoreConfig(served_entities=[served])
    client.serving_endpoints.create_provisioned_throughput_endpoint_and_wait("pt", config)
    updated = client.serving_endpoints.update_provisioned_throughput_endpoint_config_and_wait("pt", config)
    assert updated.config.config_version == 2
    assert client.serving_endpoints.build_logs("pt", "llama").logs is not None
    assert client.serving_endpoints.logs("pt", "llama").logs is not None


@pytest.mark.witness("telemetry-custom-alone", client="databricks-sdk")
def test_telemetry_is_not_for_external_models(client: WorkspaceClient, chat: ServingEndpointDetailed) -> None:
    with pytest.raises(InvalidParameterValue, match="not supported"):
        client.serving_endpoints.patch_telemetry_config(
            chat.name, telemetry_config=TelemetryConfig(telemetry_profile_id="p")
        )


@pytest.mark.usefixtures("chat")
@pytest.mark.witness(
    "endpoint-exists",
    "scope-missing",
    "scope-name-form",
    "permissions-denied",
    "auth-bad-token",
    client="databricks-sdk",
)
def test_errors_become_the_sdks_own_classes(client: WorkspaceClient, instant: LocalWorkspace) -> None:
    with pytest.raises(ResourceAlreadyExists, match="Scope team already exists!"):
        client.secrets.create_scope("team")
    with pytest.raises(ResourceAlreadyExists):
        client.serving_endpoints.create("chat")
    with pytest.raises(ResourceDoesNotExist):
        client.secrets.list_acls("none")
    with pytest.raises(InvalidParameterValue):
        client.secrets.create_scope("white space")
    with pytest.raises(NotFound):
        client.clusters.get("none")
    other = WorkspaceClient(host=instant.host, token=instant.token_for("ann@example.com"))
    with pytest.raises(PermissionDenied, match="'View' on Endpoint chat"):
        other.serving_endpoints.get("chat")
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        WorkspaceClient(host=instant.host, token="dapi-wrong").current_user.me()


@pytest.mark.usefixtures("chat")
@pytest.mark.witness("config-busy", client="databricks-sdk")
def test_a_busy_endpoint_is_a_conflict(client: WorkspaceClient, instant: LocalWorkspace) -> None:
    instant.endpoints.take("chat", seconds=60)
    client.serving_endpoints.update_config("chat", served_entities=[entity("new")])
    with pytest.raises(ResourceConflict, match="currently updating"):
        client.serving_endpoints.update_config("chat", served_entities=[entity("newer")])


@pytest.mark.witness("config-failure", client="databricks-sdk")
def test_a_failed_deployment_ends_the_sdks_waiter(client: WorkspaceClient, instant: LocalWorkspace) -> None:
    instant.endpoints.fail("chat", message="no quota")
    with pytest.raises(OperationFailed, match="UPDATE_FAILED"):
        client.serving_endpoints.create_and_wait(
            "chat", config=EndpointCoreConfigInput(name="chat", served_entities=[entity()])
        )
    assert client.serving_endpoints.get("chat").state.config_update is EndpointStateConfigUpdate.UPDATE_FAILED


@pytest.mark.witness(
    "auth-m2m", "GET /oidc/.well-known/oauth-authorization-server", "POST /oidc/v1/token", client="databricks-sdk"
)
def test_a_service_principal_signs_in_with_oauth(instant: LocalWorkspace) -> None:
    secret = instant.client_secret_for(APPLICATION)
    robot = WorkspaceClient(host=instant.host, client_id=APPLICATION, client_secret=secret)
    assert robot.current_user.me().user_name == APPLICATION
    assert robot.config.auth_type == "oauth-m2m"


def test_a_wrong_oauth_secret_is_refused(instant: LocalWorkspace) -> None:
    instant.client_secret_for(APPLICATION)
    with pytest.raises((ValueError, Unauthenticated), match=r"invalid_client|Client authentication failed"):
        WorkspaceClient(host=instant.host, client_id=APPLICATION, client_secret="dose-wrong").current_user.me()


def test_the_sdk_retries_what_was_lost_and_a_limit_with_retry_after(
    client: WorkspaceClient, instant: LocalWorkspace
) -> None:
    instant.faults.arm([{"match": {"method": "POST"}, "kind": "status", "status": 429, "retry_after": 0}])
    client.secrets.create_scope("team")
    assert [each.status for each in instant.requests if each.method == "POST"] == [429, 200]
