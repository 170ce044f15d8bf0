"""Rules of what an endpoint's config may say."""

from __future__ import annotations

from local_workspace.parity.rule import Certainty, Rule

RULES = (
    Rule(
        "config-entity-limit",
        "An endpoint has at most 15 served entities.",
        Certainty.OBSERVED,
        "databricks/databricks-sdk-py#1496; documented as 10",
    ),
    Rule(
        "config-traffic-required",
        "More than one entity needs a traffic_config.",
        Certainty.SDK_EVIDENT,
        "databricks/terraform-provider-databricks#3789",
    ),
    Rule(
        "config-traffic-sum",
        "Shares are whole percentages that sum to 100.",
        Certainty.DOCUMENTED,
        "databricks-sdk, Route",
    ),
    Rule(
        "config-external-name",
        "An unnamed external entity is named after its model, with - for . and :.",
        Certainty.DOCUMENTED,
        "databricks-sdk, ServedEntityInput",
    ),
    Rule(
        "config-external-fields",
        "An external model takes no field of a custom one, not even 0.",
        Certainty.OBSERVED,
        "databricks/terraform-provider-databricks#3676",
    ),
    Rule(
        "config-scale-to-zero",
        'A custom entity must say scale_to_zero_enabled: "scaleToZeroEnabled is undefined. …".',
        Certainty.OBSERVED,
        "databricks/terraform-provider-databricks#4064",
    ),
    Rule(
        "config-one-kind",
        "An endpoint has external models or custom ones, never both, and stays so.",
        Certainty.DOCUMENTED,
        "databricks-sdk, ServedEntityInput",
    ),
    Rule(
        "config-one-task",
        "All external models of an endpoint share their task.",
        Certainty.DOCUMENTED,
        "databricks-sdk, ServedEntityInput",
    ),
    Rule(
        "config-provider-fields",
        "A provider takes its own config, with every field that it needs.",
        Certainty.DOCUMENTED,
        "databricks-sdk, ExternalModel",
    ),
    Rule(
        "config-key-pair",
        "A key is given by reference or in plain text; both or none is refused.",
        Certainty.DOCUMENTED,
        "databricks-sdk, OpenAiConfig and its like",
    ),
    Rule(
        "config-azure",
        "openai_api_type azure needs base, version, deployment and key; azuread the Entra trio.",
        Certainty.DOCUMENTED,
        "databricks-sdk, OpenAiConfig",
    ),
    Rule(
        "config-bedrock-auth",
        "Bedrock has exactly one way to authenticate.",
        Certainty.DOCUMENTED,
        "databricks-sdk, AmazonBedrockConfig",
    ),
    Rule(
        "config-capture-unmoved",
        "Where auto capture writes never changes.",
        Certainty.SDK_EVIDENT,
        "the vendor CLI's field rules; the Terraform provider",
    ),
    Rule(
        "key-plaintext-hidden",
        "A key given in plain text is never echoed.",
        Certainty.SDK_EVIDENT,
        "databricks/terraform-provider-databricks#5125",
    ),
    Rule(
        "key-plaintext-reference",
        "Nor does a reference to it show.",
        Certainty.ASSUMED,
        "a comment in the vendor's CLI says that one does",
        switch="plaintext_reference_shown",
    ),
    Rule(
        "key-read-right",
        "Who writes a config needs READ on the scopes of its references.",
        Certainty.DOCUMENTED,
        "docs: generative-ai/external-models",
    ),
    Rule(
        "key-dangling",
        "A reference to a scope or key that does not exist is taken, and fails when called.",
        Certainty.ASSUMED,
        "no source",
        switch="dangling_reference",
    ),
    Rule(
        "key-freshness",
        "A call reads the secret's present value.",
        Certainty.ASSUMED,
        "no source",
        switch="key_freshness",
    ),
)
