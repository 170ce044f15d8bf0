"""The blocks that a bundle consists of: which are used, skipped or refused, and what shape each has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provisioning.model.rules import did_you_mean

if TYPE_CHECKING:
    from provisioning.config.nodes import Node
    from provisioning.config.problems import Problems

MANAGED: Final = ("secret_scopes", "model_serving_endpoints")
"""The resource types that are managed here."""

RESERVED: Final = frozenset({"secrets", "model_services", "model_provider_services", "mcp_services"})
"""Resource types that would fit here and are not managed yet."""

USED: Final = frozenset(
    {"bundle", "include", "variables", "targets", "resources", "permissions", "presets", "run_as", "workspace"}
)
"""The blocks at a bundle's top that mean something here."""

SKIPPED: Final = frozenset({"sync", "artifacts", "scripts", "experimental"})
"""The blocks that only concern other resource types."""

CHANGES_MEANING: Final = {
    "python": "declare the resources in YAML",
    "environments": "call the block `targets`",
}
"""The blocks that cannot be honoured and would change what the rest means, and what to do instead."""

_LISTS: Final = frozenset({"include", "permissions"})
_KEYS: Final = {
    "bundle": frozenset(
        {"name", "uuid", "git", "deployment", "databricks_cli_version", "cluster_id", "compute_id", "engine"}
    ),
    "presets": frozenset(
        {
            "name_prefix",
            "tags",
            "trigger_pause_status",
            "pipelines_development",
            "artifacts_dynamic_version",
            "jobs_max_concurrent_runs",
            "source_linked_deployment",
        }
    ),
    "run_as": frozenset({"user_name", "service_principal_name"}),
}
"""What may stand in a block; only what is near one of these is reported, since newer bundles have more."""

ADDITIONS: Final = "provisioning"
"""The block that holds what we add to bundles."""


def check_shape(key: str, node: Node, problems: Problems) -> bool:
    """Say whether a block is the list or mapping that it must be, and report it if not.

    Args:
        key: the block's name.
        node: what stands under it.
        problems: where everything wrong is reported.
    """
    wanted = list if key in _LISTS else dict
    if node.value is not None and not isinstance(node.value, wanted):
        problems.add("P203", f"`{key}` must be a {'list' if wanted is list else 'mapping'}", node)
        return False
    for name, child in node.fields().items():
        near = did_you_mean(name, _KEYS[key]) if key in _KEYS and name not in _KEYS[key] else None
        if near is not None:
            problems.add("P201", f"`{name}` is not known under `{key}`", child.key, remedy=f"did you mean `{near}`?")
    return True
