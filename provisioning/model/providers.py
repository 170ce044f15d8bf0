"""External models: which provider answers, and how the workspace signs in there.

Field names are the API's (`ExternalModel` and the `*_config` objects of the serving-endpoints API). Each
credential comes as a pair: `x` takes a reference to a secret, `x_plaintext` the value itself; exactly one is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from provisioning.model.rules import Finding, RuledModel, exactly_one, given, needs, text_in
from provisioning.model.values import HttpAddress, Plaintext, SecretReference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Provider: TypeAlias = Literal[
    "openai",
    "anthropic",
    "amazon-bedrock",
    "cohere",
    "ai21labs",
    "google-cloud-vertex-ai",
    "databricks-model-serving",
    "palm",
    "custom",
]
"""The providers of external models, in the API's spelling."""

Task: TypeAlias = Literal["llm/v1/chat", "llm/v1/completions", "llm/v1/embeddings"]
"""What an external model is asked to do."""

CONFIG_OF: Mapping[str, str] = {
    "openai": "openai_config",
    "anthropic": "anthropic_config",
    "amazon-bedrock": "amazon_bedrock_config",
    "cohere": "cohere_config",
    "ai21labs": "ai21labs_config",
    "google-cloud-vertex-ai": "google_cloud_vertex_ai_config",
    "databricks-model-serving": "databricks_model_serving_config",
    "palm": "palm_config",
    "custom": "custom_provider_config",
}
"""The block that each provider's settings stand in."""


def _lower(value: object) -> object:
    """The API takes `bedrock_provider` in any case and returns it in lower case."""
    return value.lower() if isinstance(value, str) else value


class KeyedConfig(RuledModel):
    """A block with credentials, each a pair of a reference and a plaintext twin."""

    credentials: ClassVar[tuple[str, ...]] = ()
    """The reference fields of which exactly one of the pair is needed."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find the credentials that are missing or given twice."""
        for name in cls.credentials:
            yield from exactly_one(raw, (name, f"{name}_plaintext"))


class OpenAiConfig(RuledModel):
    """OpenAI, Azure OpenAI, or any server that speaks OpenAI's wire format."""

    openai_api_type: Literal["openai", "azure", "azuread"] | None = None
    """`openai` (the default), `azure` for Azure with an API key, `azuread` for Azure with Microsoft Entra ID."""
    openai_api_key: SecretReference | None = None
    """The API key, as a reference; needed unless `openai_api_type` is `azuread`."""
    openai_api_key_plaintext: Plaintext | None = None
    """The API key in the clear; prefer the reference."""
    openai_api_base: HttpAddress | None = None
    """The server's base address; needed for Azure, and the place to name an OpenAI-compatible server."""
    openai_api_version: str | None = None
    """The version of Azure's API, such as `2024-10-21`; needed for Azure."""
    openai_deployment_name: str | None = None
    """The name of the deployment in Azure; needed for Azure."""
    openai_organization: str | None = None
    """The organization in OpenAI to which calls are counted."""
    microsoft_entra_tenant_id: str | None = None
    """The tenant of the Entra application; needed for `azuread`."""
    microsoft_entra_client_id: str | None = None
    """The client id of the Entra application; needed for `azuread`."""
    microsoft_entra_client_secret: SecretReference | None = None
    """The client secret of the Entra application, as a reference; needed for `azuread`."""
    microsoft_entra_client_secret_plaintext: Plaintext | None = None
    """The client secret in the clear; prefer the reference."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find what the chosen kind of sign-in lacks."""
        kind = text_in(raw, "openai_api_type") or "openai"
        key = ("openai_api_key", "openai_api_key_plaintext")
        secret = ("microsoft_entra_client_secret", "microsoft_entra_client_secret_plaintext")
        if kind in {"azure", "azuread"}:
            azure = ("openai_api_base", "openai_api_version", "openai_deployment_name")
            yield from needs(raw, azure, because=f"with openai_api_type {kind}")
        if kind == "azuread":
            entra = ("microsoft_entra_tenant_id", "microsoft_entra_client_id")
            yield from needs(raw, entra, because="with openai_api_type azuread")
            yield from exactly_one(raw, secret)
        elif given(raw, secret):
            yield from exactly_one(raw, secret)
        if kind in {"openai", "azure"} or given(raw, key):
            yield from exactly_one(raw, key)


class AnthropicConfig(KeyedConfig):
    """Anthropic."""

    credentials = ("anthropic_api_key",)

    anthropic_api_key: SecretReference | None = None
    """The API key, as a reference."""
    anthropic_api_key_plaintext: Plaintext | None = None
    """The API key in the clear; prefer the reference."""


class AmazonBedrockConfig(RuledModel):
    """Amazon Bedrock; the workspace signs in by an access key, an instance profile or a service credential."""

    aws_region: str
    """The AWS region, such as `eu-central-1`, in which Bedrock has the model."""
    bedrock_provider: Annotated[Literal["anthropic", "cohere", "ai21labs", "amazon"], BeforeValidator(_lower)]
    """Whose model Bedrock is to run."""
    aws_access_key_id: SecretReference | None = None
    """The access key's id, as a reference; goes with the secret access key."""
    aws_access_key_id_plaintext: Plaintext | None = None
    """The access key's id in the clear; prefer the reference."""
    aws_secret_access_key: SecretReference | None = None
    """The secret access key, as a reference; goes with the access key's id."""
    aws_secret_access_key_plaintext: Plaintext | None = None
    """The secret access key in the clear; prefer the reference."""
    instance_profile_arn: str | None = None
    """An instance profile to sign in by, instead of an access key."""
    uc_service_credential_name: str | None = None
    """A Unity Catalog service credential to sign in by, instead of an access key."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find out whether there is one way to sign in, and all of it."""
        key = ("aws_access_key_id", "aws_access_key_id_plaintext")
        secret = ("aws_secret_access_key", "aws_secret_access_key_plaintext")
        by_key = given(raw, key + secret)
        others = given(raw, ("instance_profile_arn", "uc_service_credential_name"))
        ways = ([by_key[0]] if by_key else []) + others
        if by_key:
            yield from exactly_one(raw, key)
            yield from exactly_one(raw, secret)
        choice = "an access key (id and secret), instance_profile_arn or uc_service_credential_name"
        if not ways:
            yield Finding(f"a way to sign in is needed: {choice}", kind="one-of", absence=True)
        elif len(ways) > 1:
            yield Finding(f"only one way to sign in may be given: {choice}", at=(ways[1],), kind="one-of")


class CohereConfig(KeyedConfig):
    """Cohere."""

    credentials = ("cohere_api_key",)

    cohere_api_key: SecretReference | None = None
    """The API key, as a reference."""
    cohere_api_key_plaintext: Plaintext | None = None
    """The API key in the clear; prefer the reference."""
    cohere_api_base: HttpAddress | None = None
    """The server's base address, where it is not Cohere's own."""


class Ai21LabsConfig(KeyedConfig):
    """AI21 Labs."""

    credentials = ("ai21labs_api_key",)

    ai21labs_api_key: SecretReference | None = None
    """The API key, as a reference."""
    ai21labs_api_key_plaintext: Plaintext | None = None
    """The API key in the clear; prefer the reference."""


class GoogleCloudVertexAiConfig(KeyedConfig):
    """Google Cloud Vertex AI."""

    credentials = ("private_key",)

    project_id: str
    """The Google Cloud project that the service account belongs to."""
    region: str
    """The region, such as `europe-west4`, in which Vertex AI has the model."""
    private_key: SecretReference | None = None
    """The service account's private key (the JSON file's text), as a reference."""
    private_key_plaintext: Plaintext | None = None
    """The private key in the clear; prefer the reference."""


class DatabricksModelServingConfig(KeyedConfig):
    """An endpoint of another Databricks workspace."""

    credentials = ("databricks_api_token",)

    databricks_workspace_url: HttpAddress
    """The other workspace's address."""
    databricks_api_token: SecretReference | None = None
    """A token of an identity with CAN_QUERY there, as a reference."""
    databricks_api_token_plaintext: Plaintext | None = None
    """The token in the clear; prefer the reference."""


class PaLmConfig(KeyedConfig):
    """Google PaLM, which Google has retired; kept because the API still has it."""

    credentials = ("palm_api_key",)

    palm_api_key: SecretReference | None = None
    """The API key, as a reference."""
    palm_api_key_plaintext: Plaintext | None = None
    """The API key in the clear; prefer the reference."""


class BearerTokenAuth(KeyedConfig):
    """Sign in by a token in the Authorization header."""

    credentials = ("token",)

    token: SecretReference | None = None
    """The token, as a reference."""
    token_plaintext: Plaintext | None = None
    """The token in the clear; prefer the reference."""


class ApiKeyAuth(KeyedConfig):
    """Sign in by a header of the provider's own."""

    credentials = ("value",)

    key: str
    """The header's name, such as `x-api-key`."""
    value: SecretReference | None = None
    """The header's value, as a reference."""
    value_plaintext: Plaintext | None = None
    """The header's value in the clear; prefer the reference."""


class CustomProviderConfig(RuledModel):
    """Any other server that speaks OpenAI's wire format."""

    custom_provider_url: HttpAddress
    """The address that calls are sent to."""
    bearer_token_auth: BearerTokenAuth | None = None
    """Sign in by a bearer token."""
    api_key_auth: ApiKeyAuth | None = None
    """Sign in by a header of the provider's own."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find out whether there is one way to sign in."""
        yield from exactly_one(raw, ("bearer_token_auth", "api_key_auth"))


class ExternalModel(RuledModel):
    """A model that a provider outside of the workspace runs."""

    provider: Provider
    """Who runs the model."""
    name: str = Field(min_length=1)
    """The model's name in the provider's own words, such as `gpt-4o-mini`."""
    task: Task
    """What the model is asked to do; all external models of one endpoint share it."""
    openai_config: OpenAiConfig | None = None
    """Settings for provider `openai`."""
    anthropic_config: AnthropicConfig | None = None
    """Settings for provider `anthropic`."""
    amazon_bedrock_config: AmazonBedrockConfig | None = None
    """Settings for provider `amazon-bedrock`."""
    cohere_config: CohereConfig | None = None
    """Settings for provider `cohere`."""
    ai21labs_config: Ai21LabsConfig | None = None
    """Settings for provider `ai21labs`."""
    google_cloud_vertex_ai_config: GoogleCloudVertexAiConfig | None = None
    """Settings for provider `google-cloud-vertex-ai`."""
    databricks_model_serving_config: DatabricksModelServingConfig | None = None
    """Settings for provider `databricks-model-serving`."""
    palm_config: PaLmConfig | None = None
    """Settings for provider `palm`."""
    custom_provider_config: CustomProviderConfig | None = None
    """Settings for provider `custom`."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find out whether the one block given is the provider's."""
        provider = text_in(raw, "provider")
        block = CONFIG_OF.get(provider) if provider is not None else None
        if block is None:
            return
        for other in given(raw, CONFIG_OF.values()):
            if other != block:
                message = f"`{other}` does not belong to provider {provider}, whose block is `{block}`"
                yield Finding(
                    message, at=(other,), kind="provider-block", remedy=f"give `{block}`, or change the provider"
                )
        if raw.get(block) is None:
            message = f"provider {provider} needs the block `{block}`"
            yield Finding(message, kind="provider-block", absence=True)
