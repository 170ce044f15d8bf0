"""Rules of calls to endpoints."""

from __future__ import annotations

from local_workspace.parity.rule import Certainty, Rule

RULES = (
    Rule(
        "call-served-model-header",
        "The header served-model-name says which entity answered.",
        Certainty.SDK_EVIDENT,
        "databricks-sdk, query",
    ),
    Rule(
        "call-one-served-model",
        'One served entity can be called by its own path; a wrong path is 404, "Path must be of form".',
        Certainty.OBSERVED,
        "tidyverse/ellmer#1078",
    ),
    Rule(
        "call-traffic",
        "Calls follow the traffic split; an entity at 0 % answers as a fallback alone.",
        Certainty.DOCUMENTED,
        "docs: ai-gateway/configure-ai-gateway-endpoints",
    ),
    Rule(
        "call-needs-query",
        "A caller without CAN_QUERY is refused before the provider is called.",
        Certainty.DOCUMENTED,
        "docs: security/auth/access-control (serving endpoints)",
    ),
    Rule(
        "call-not-ready",
        "While nothing serves, a call is 503.",
        Certainty.ASSUMED,
        "no answer is on record",
        switch="not_ready_status",
    ),
    Rule(
        "call-unknown-field",
        'External models refuse unknown keys: 400, "Bad request: json: unknown field".',
        Certainty.OBSERVED,
        "databricks/databricks-sdk-py#1263",
    ),
    Rule(
        "call-provider-error",
        "A provider's error passes through with its status, as external_model_message.",
        Certainty.OBSERVED,
        "databricks-demos/dbdemos#97",
    ),
    Rule(
        "call-translated",
        "Anthropic, Bedrock, Cohere and Vertex AI answer in OpenAI's shape, each called in its own.",
        Certainty.DOCUMENTED,
        "docs: generative-ai/external-models",
    ),
    Rule(
        "call-stream-data-alone",
        "Streams of invocations have data lines alone, and end with data: [DONE].",
        Certainty.SDK_EVIDENT,
        "MLflow's predict_stream raises on any other line",
    ),
    Rule(
        "call-stream-usage",
        "Pay-per-token streams report usage unasked, each family in its own way.",
        Certainty.ASSUMED,
        "databricks/databricks-ai-bridge#434 and #176; which model does which may change",
        switch="stream_usage",
    ),
    Rule(
        "call-size",
        "A body over 4 MB is refused.",
        Certainty.DOCUMENTED,
        "docs: machine-learning/model-serving/model-serving-limits",
    ),
    Rule(
        "call-custom-frames",
        "Custom models take dataframe_split, dataframe_records, inputs or instances, and answer with predictions.",
        Certainty.DOCUMENTED,
        "docs: machine-learning/model-serving/score-custom-model-endpoints",
    ),
    Rule(
        "call-custom-agents",
        "ChatModels and ResponsesAgents take messages or input, stream, and answer by OpenAI's routes.",
        Certainty.SDK_EVIDENT,
        "databricks-langchain; databricks-openai",
    ),
    Rule(
        "call-custom-errors",
        "A body that a model does not take, and what it raises, is 400 with MLflow's code and the model's trace.",
        Certainty.SDK_EVIDENT,
        "mlflow, pyfunc.scoring_server",
    ),
    Rule(
        "call-openai-by-model",
        "The OpenAI routes find the endpoint by model.",
        Certainty.SDK_EVIDENT,
        "databricks-sdk, get_open_ai_client; databricks-openai",
    ),
    Rule(
        "call-anthropic",
        "The Anthropic routes speak the Messages API, for Claude alone.",
        Certainty.SDK_EVIDENT,
        "databricks-langchain; databricks/ucode",
    ),
    Rule(
        "call-gemini",
        "The Gemini routes speak Google's generateContent, whole and streamed, for Gemini alone.",
        Certainty.DOCUMENTED,
        "docs: machine-learning/model-serving/query-gemini-api",
    ),
    Rule(
        "call-own-route",
        "A route-optimized endpoint is called at its own URL, with an OAuth token issued for it.",
        Certainty.DOCUMENTED,
        "docs: machine-learning/model-serving/route-optimization",
    ),
)
