"""What a bundle says of itself: its name, the target's workspace, mode and deployer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from provisioning.config.git import git_facts
from provisioning.model.rules import did_you_mean
from provisioning.model.values import address_fault
from provisioning.model.workspace import Target

if TYPE_CHECKING:
    from provisioning.config.bundle import Bundle
    from provisioning.config.nodes import Node
    from provisioning.config.problems import Problems
    from provisioning.config.resolver import Resolver
    from provisioning.errors import Position

_SIGN_IN: Final = frozenset(
    {
        "auth_type",
        "metadata_service_url",
        "client_id",
        "google_service_account",
        "azure_resource_id",
        "azure_workspace_resource_id",
        "azure_tenant_id",
        "azure_client_id",
        "azure_environment",
        "azure_login_app_id",
        "azure_use_msi",
    }
)
"""Ways to sign in that a bundle may name; ours come from the environment or a profile."""

_PATHS: Final = frozenset({"root_path", "file_path", "artifact_path", "state_path", "resource_path"})
_WORKSPACE_KEYS: Final = (
    frozenset({"host", "profile", "account_id", "workspace_id", "experimental_is_unified_host"}) | _SIGN_IN | _PATHS
)
_HOME: Final = "/Workspace/Users/${workspace.current_user.userName}/.bundle"


def bundle_facts(bundle: Bundle, target: str) -> dict[str, str]:
    """Return what `${bundle...}` and `${workspace...}` mean where the bundle does not say it itself.

    Args:
        bundle: the bundle.
        target: the target's name.
    """
    declared = bundle.root.get("bundle", "name")
    name = declared.value if declared is not None and isinstance(declared.value, str) else bundle.name
    facts = {"bundle.target": target, "bundle.environment": target}
    if bundle.folder is not None:
        facts |= git_facts(bundle.folder)
    if declared is None:
        facts["bundle.name"] = bundle.name
    workspace = bundle.root.get("workspace")
    root_path = workspace.get("root_path") if workspace is not None else None
    if root_path is None:
        home = f"{_HOME}/{name}/{target}"
        facts |= {
            "workspace.root_path": home,
            "workspace.file_path": f"{home}/files",
            "workspace.state_path": f"{home}/state",
        }
    return facts


def bundle_name(root: Node, resolver: Resolver) -> str | None:
    """Return the bundle's own name, or None if it has none."""
    node = root.get("bundle", "name")
    resolved = resolver.resolve(node) if node is not None else None
    return str(resolved.value) if resolved is not None and resolved.value is not None else None


def read_target(root: Node, name: str, resolver: Resolver, problems: Problems) -> Target:
    """Return the target's settings.

    Args:
        root: the bundle, as the target has it.
        name: the target's name.
        resolver: resolves what the settings refer to.
        problems: where everything wrong is reported.
    """
    declared = root.get("targets", name)
    written = root.get("workspace")
    workspace = resolver.resolve(written) if written is not None else None
    if workspace is not None:
        _check_workspace(workspace, problems)
    return Target(
        name=name,
        host=_host(workspace, problems),
        profile=_text(workspace, "profile", problems),
        mode=_mode(declared, problems),
        deployer=_deployer(root, declared, resolver, problems),
        position=_place(workspace, declared),
    )


def _place(workspace: Node | None, declared: Node | None) -> Position | None:
    host = workspace.get("host") if workspace is not None else None
    node = host or declared
    return (node.key or node.span).position if node is not None else None


def _check_workspace(workspace: Node, problems: Problems) -> None:
    for key, node in workspace.fields().items():
        if key in _SIGN_IN:
            advice = "sign in by a profile, or by the environment"
            problems.add("P407", f"`workspace.{key}` is not used", node.key, remedy=advice)
        elif key not in _WORKSPACE_KEYS:
            near = did_you_mean(key, _WORKSPACE_KEYS)
            remedy = f"did you mean `{near}`?" if near else None
            problems.add("P201", f"`{key}` is not known under `workspace`", node.key, remedy=remedy)


def _host(workspace: Node | None, problems: Problems) -> str | None:
    host = _text(workspace, "host", problems)
    # The databricks CLI takes an address without its scheme too, as people copy it.
    fault = address_fault(host if "://" in host or host.startswith("${") else f"https://{host}") if host else None
    if workspace is not None and fault is not None:
        problems.add("P214", f"`host` is no workspace's address: {fault}", workspace.get("host"))
    return host


def _text(parent: Node | None, key: str, problems: Problems) -> str | None:
    node = parent.get(key) if parent is not None else None
    if node is None or node.value is None:
        return None
    if not isinstance(node.value, str) or not node.value.strip():
        problems.add("P203", f"`{key}` must be text", node)
        return None
    return node.value


def _mode(declared: Node | None, problems: Problems) -> Literal["development", "production"] | None:
    node = declared.get("mode") if declared is not None else None
    match node.value if node is not None else None:
        case None:
            return None
        case "development":
            return "development"
        case "production":
            return "production"
        case other:
            near = did_you_mean(str(other), ("development", "production"))
            suggestion = f"did you mean {near}?" if near else None
            problems.add("P204", f"`mode` is development or production, not {str(other)!r}", node, remedy=suggestion)
            return None


def _deployer(root: Node, declared: Node | None, resolver: Resolver, problems: Problems) -> str | None:
    """Return who is to run applies: the target's `deployer`, or else whom the bundle's `run_as` names."""
    node = declared.get("deployer") if declared is not None else None
    if node is not None:
        return (
            _text(declared.with_value({"deployer": resolver.resolve(node)}), "deployer", problems) if declared else None
        )
    run_as = root.get("run_as")
    resolved = resolver.resolve(run_as) if run_as is not None else None
    return _text(resolved, "service_principal_name", problems) or _text(resolved, "user_name", problems)
