"""Rules of an endpoint's AI gateway."""

from __future__ import annotations

from local_workspace.parity.rule import Certainty, Rule

RULES = (
    Rule(
        "gateway-replaced-whole",
        "PUT replaces the whole AI gateway; an empty body clears it.",
        Certainty.SDK_EVIDENT,
        "the vendor's CLI and its test server",
    ),
    Rule(
        "gateway-limit-form",
        "A limit has calls or tokens, not both; at most 20 limits, 5 of them for groups.",
        Certainty.DOCUMENTED,
        "docs: ai-gateway/rate-limits-beta; community.databricks.com, thread 136468",
    ),
    Rule(
        "gateway-limit-order",
        "Limits that name the caller go before its groups', and these before each user's default.",
        Certainty.DOCUMENTED,
        "docs: ai-gateway/rate-limits-beta",
    ),
    Rule(
        "gateway-limit-zero",
        'A limit of 0 disables: 403, "The endpoint is disabled due to a rate limit set to 0."',
        Certainty.OBSERVED,
        "databricks/terraform-provider-databricks#5362",
    ),
    Rule(
        "gateway-limit-used-up",
        "A limit that is used up is 429 REQUEST_LIMIT_EXCEEDED, with Retry-After.",
        Certainty.ASSUMED,
        "the code is seen for workspace limits (n8n-io/n8n#38642); the header is not on record",
        switch="limit_retry_after",
    ),
    Rule(
        "gateway-inference-table-moves",
        "An inference table's place changes only by way of disabled.",
        Certainty.DOCUMENTED,
        "databricks-sdk, AiGatewayInferenceTableConfig",
    ),
    Rule(
        "gateway-guardrail-block",
        "A guardrail's block is 400 BAD_REQUEST whose message is JSON with input_guardrail and finishReason.",
        Certainty.OBSERVED,
        "rows of an inference table that a user published (app_gw_payload, 2026-08-28)",
    ),
    Rule(
        "gateway-stream-held",
        "With a guardrail on its output, a stream is held back until all of it was read.",
        Certainty.ASSUMED,
        "no source",
    ),
    Rule(
        "gateway-pii-mask",
        "MASK hides personal data from the model, and in its answer.",
        Certainty.DOCUMENTED,
        "docs: ai-gateway/configure-ai-gateway-endpoints",
    ),
    Rule(
        "gateway-usage-table",
        "Usage tracking writes system.serving.endpoint_usage.",
        Certainty.DOCUMENTED,
        "docs: ai-gateway/configure-ai-gateway-endpoints",
    ),
    Rule(
        "gateway-payload-table",
        "An inference table keeps requests and responses in PREFIX_payload, with the columns that it has there.",
        Certainty.OBSERVED,
        "docs: ai-gateway/inference-tables; columns: the same published table",
    ),
    Rule(
        "gateway-fallbacks",
        "With fallbacks on, 429 and 5xx go on to the next entity in order.",
        Certainty.DOCUMENTED,
        "docs: ai-gateway/configure-ai-gateway-endpoints",
    ),
)
