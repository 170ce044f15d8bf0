"""Rules of serving endpoints: how they are created, read, changed and deployed."""

from __future__ import annotations

from local_workspace.parity.rule import Certainty, Rule

RULES = (
    Rule(
        "endpoint-missing",
        "An endpoint that does not exist is 404, \"Endpoint with name 'X' does not exist.\", with a RequestInfo.",
        Certainty.OBSERVED,
        "databricks-demos/dbdemos#220",
    ),
    Rule(
        "endpoint-exists",
        "Creating a name that is taken is 409 RESOURCE_ALREADY_EXISTS.",
        Certainty.SDK_EVIDENT,
        "the vendor CLI's test server",
    ),
    Rule(
        "endpoint-name-form",
        "A name has letters, digits, - and _, at most 63.",
        Certainty.DOCUMENTED,
        "docs: machine-learning/model-serving/model-serving-limits",
    ),
    Rule(
        "endpoint-limit",
        "A workspace has at most 1000 endpoints.",
        Certainty.DOCUMENTED,
        "docs: machine-learning/model-serving/model-serving-limits",
    ),
    Rule(
        "endpoint-write-limit",
        "More than 50 creates and config updates in 5 minutes are refused; off here, since tests make more.",
        Certainty.ASSUMED,
        "docs: model-serving-limits has the number; the answer is unknown",
        switch="write_limit",
    ),
    Rule(
        "endpoint-starts-updating",
        "A new endpoint is NOT_READY and IN_PROGRESS with a pending_config, then READY and NOT_UPDATING.",
        Certainty.SDK_EVIDENT,
        "databricks-sdk, wait_get_serving_endpoint_not_updating; the Terraform provider",
    ),
    Rule(
        "endpoint-without-config",
        "Without a config there is no config key; NOT_READY and NOT_UPDATING.",
        Certainty.OBSERVED,
        "the Terraform provider's fixture TestModelServingReadEmptyConfig",
    ),
    Rule(
        "endpoint-list-short",
        "The list has no pages, shows short configs, and has the pay-per-token endpoints too.",
        Certainty.OBSERVED,
        "mondoohq/mql#9770",
    ),
    Rule(
        "endpoint-new-id",
        "A name that is deleted and created again gets a new id.",
        Certainty.SDK_EVIDENT,
        "the vendor CLI's acceptance test recreated_same_name",
    ),
    Rule(
        "config-busy",
        "A config update while another runs is refused, and changes nothing; as 409.",
        Certainty.ASSUMED,
        "refusal: databricks-sdk, update_config; status: the vendor CLI's test server has 409 for telemetry",
        switch="busy_status",
    ),
    Rule(
        "config-old-serves",
        "While a new config is deployed, the old one stays in config and serves.",
        Certainty.DOCUMENTED,
        "docs: machine-learning/model-serving/manage-serving-endpoints",
    ),
    Rule(
        "config-ready-meanwhile",
        "Meanwhile the endpoint reports READY.",
        Certainty.ASSUMED,
        "follows from config-old-serves; the vendor CLI's test server says NOT_READY",
        switch="ready_during_update",
    ),
    Rule(
        "config-failure",
        "A deployment that fails is UPDATE_FAILED; the old config goes on serving, the entity says why.",
        Certainty.SDK_EVIDENT,
        "databricks-sdk, its waiter and ServedModelState",
    ),
    Rule(
        "config-version",
        "Each config that becomes active has a config_version one higher.",
        Certainty.DOCUMENTED,
        "databricks-sdk, EndpointCoreConfigOutput",
    ),
    Rule(
        "custom-load-failure",
        "A model that cannot be loaded ends in UPDATE_FAILED and says why; the old config goes on serving.",
        Certainty.DOCUMENTED,
        "docs: machine-learning/model-serving/model-serving-debug",
    ),
    Rule(
        "custom-scaled-to-zero",
        'An idle custom model stays READY and says "Scaled to zero"; the next call waits until it is loaded.',
        Certainty.OBSERVED,
        "databricks/terraform-provider-databricks#4803",
    ),
    Rule(
        "entities-sorted",
        "Served entities come back sorted by name.",
        Certainty.SDK_EVIDENT,
        "databricks/terraform-provider-databricks#5188",
    ),
    Rule(
        "entities-twins",
        "served_entities and served_models are both shown, whichever was sent.",
        Certainty.OBSERVED,
        "databricks/terraform-provider-databricks#4803",
    ),
    Rule(
        "entities-external-state",
        "Entities of external models carry state.",
        Certainty.ASSUMED,
        "databricks-sdk has the field for every entity",
        switch="external_entity_state",
    ),
    Rule(
        "entities-external-twins",
        "served_models does not mirror external models.",
        Certainty.ASSUMED,
        "seen for custom models alone",
        switch="external_served_models",
    ),
    Rule(
        "entities-defaults",
        "Size, type and the one route of 100 % are filled in.",
        Certainty.SDK_EVIDENT,
        "the Terraform provider's cleaning of reads; the vendor CLI's test server",
    ),
    Rule(
        "tags-set",
        "Tags are a set by key: adding one again replaces its value.",
        Certainty.SDK_EVIDENT,
        "databricks/terraform-provider-databricks#4038",
    ),
    Rule(
        "tags-delete-missing",
        "Deleting a tag that is not there is ignored.",
        Certainty.ASSUMED,
        "the vendor CLI's test server",
        switch="missing_tag",
    ),
    Rule(
        "changes-without-update",
        "Tags, notifications and the AI gateway change at once, also while an update runs.",
        Certainty.SDK_EVIDENT,
        "the vendor's CLI and the Terraform provider call them without waiting",
    ),
    Rule(
        "rate-limits-hidden",
        "The deprecated top-level rate limits are taken and never read back.",
        Certainty.SDK_EVIDENT,
        "the vendor CLI's field rules",
    ),
    Rule(
        "budget-policy-effective",
        "A budget policy is read back as effective_budget_policy_id.",
        Certainty.SDK_EVIDENT,
        "the vendor CLI's field rules",
    ),
    Rule(
        "telemetry-custom-alone",
        "Telemetry needs a custom model that is not updating; a create drops what it cannot have.",
        Certainty.SDK_EVIDENT,
        "the vendor CLI's test server",
    ),
    Rule(
        "foundation-gateway-alone",
        "Of a pay-per-token endpoint the AI gateway alone can be changed.",
        Certainty.SDK_EVIDENT,
        "databricks/terraform-provider-databricks#5201",
    ),
    Rule(
        "throughput-eligible",
        "A model that is not eligible for provisioned throughput is refused in these words.",
        Certainty.OBSERVED,
        "databricks/databricks-sdk-py#1081",
    ),
)
