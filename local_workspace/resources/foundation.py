"""The pay-per-token endpoints that every workspace has from the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_workspace.lifecycle import Deployment, Deployments
from local_workspace.resources.endpoint_record import Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

MODELS: Mapping[str, tuple[str, str]] = {
    "databricks-meta-llama-3-3-70b-instruct": ("system.ai.llama_v3_3_70b_instruct", "llm/v1/chat"),
    "databricks-claude-sonnet-4": ("system.ai.databricks-claude-sonnet-4", "llm/v1/chat"),
    "databricks-gpt-oss-120b": ("system.ai.gpt-oss-120b", "llm/v1/chat"),
    "databricks-gte-large-en": ("system.ai.gte_large_en_v1_5", "llm/v1/embeddings"),
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
