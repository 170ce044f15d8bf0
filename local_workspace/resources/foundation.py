"""The pay-per-token endpoints that every workspace has from the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_workspace.lifecycle import Deployment, Deployments
from local_workspace.resources.endpoint_record import Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHAT, _EMBEDDINGS = "llm/v1/chat", "llm/v1/embeddings"

# A workspace offers what its region and the month have: these are names that documentation and examples use.
MODELS: Mapping[str, tuple[str, str]] = {
    "databricks-bge-large-en": ("system.ai.bge_large_en_v1_5", _EMBEDDINGS),
    "databricks-claude-haiku-4-5": ("system.ai.databricks-claude-haiku-4-5", _CHAT),
    "databricks-claude-opus-4-1": ("system.ai.databricks-claude-opus-4-1", _CHAT),
    "databricks-claude-sonnet-4": ("system.ai.databricks-claude-sonnet-4", _CHAT),
    "databricks-claude-sonnet-4-5": ("system.ai.databricks-claude-sonnet-4-5", _CHAT),
    "databricks-gemini-2-5-flash": ("system.ai.databricks-gemini-2-5-flash", _CHAT),
    "databricks-gemini-2-5-pro": ("system.ai.databricks-gemini-2-5-pro", _CHAT),
    "databricks-gpt-5": ("system.ai.databricks-gpt-5", _CHAT),
    "databricks-gpt-5-mini": ("system.ai.databricks-gpt-5-mini", _CHAT),
    "databricks-gpt-oss-120b": ("system.ai.gpt-oss-120b", _CHAT),
    "databricks-gpt-oss-20b": ("system.ai.gpt-oss-20b", _CHAT),
    "databricks-gte-large-en": ("system.ai.gte_large_en_v1_5", _EMBEDDINGS),
    "databricks-llama-4-maverick": ("system.ai.llama-4-maverick", _CHAT),
    "databricks-meta-llama-3-1-8b-instruct": ("system.ai.meta_llama_v3_1_8b_instruct", _CHAT),
    "databricks-meta-llama-3-3-70b-instruct": ("system.ai.llama_v3_3_70b_instruct", _CHAT),
}
"""By endpoint name: the model in `system.ai`, and the task."""

_SINCE_MS = 1_700_000_000_000


def endpoints(workspace: str) -> list[Endpoint]:
    """Return a workspace's foundation endpoints; their ids are ours alone, the API shows none."""
    return [_endpoint(workspace, name, model, task) for name, (model, task) in MODELS.items()]


def _endpoint(workspace: str, name: str, model: str, task: str) -> Endpoint:
    config = {
        "served_entities": [
            {
                "name": name,
                "entity_name": model,
                "foundation_model": {"name": model.rpartition(".")[2], "display_name": name, "description": ""},
            }
        ],
        "traffic_config": {
            "routes": [{"served_model_name": name, "served_entity_name": name, "traffic_percentage": 100}]
        },
    }
    serving = Deployment(config, version=1, creator="", started_ms=_SINCE_MS, due_ms=_SINCE_MS)
    return Endpoint(
        id=f"{workspace}:{name}",
        name=name,
        creator="",
        creator_kind="User",
        created_ms=_SINCE_MS,
        updated_ms=_SINCE_MS,
        deployments=Deployments(serving=serving),
        foundation=True,
        task=task,
    )
