"""The bundle that several files make together: which files, what they may hold, and how they are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from provisioning.config import files
from provisioning.config.merging import join, overlay
from provisioning.config.nodes import Node, Span
from provisioning.model.rules import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from provisioning.config.problems import Problems

MANAGED: Final = ("secret_scopes", "model_serving_endpoints")
"""The resource types that are managed here."""

_RESERVED: Final = frozenset({"secrets", "model_services", "model_provider_services", "mcp_services"})
_USED: Final = frozenset(
    {"bundle", "include", "variables", "targets", "resources", "permissions", "presets", "run_as", "workspace"}
)
_SKIPPED: Final = frozenset({"sync", "artifacts", "scripts", "experimental"})
_CHANGES_MEANING: Final = {
    "python": "declare the resources in YAML",
    "environments": "call the block `targets`",
}
_LISTS: Final = frozenset({"include", "permissions"})
_KEYS: Final = {
    "bundle": frozenset({"name", "uuid", "git", "deployment", "databricks_cli_version", "cluster_id", "compute_id"}),
    "presets": frozenset(
        {"name_prefix", "tags", "trigger_pause_status", "pipelines_development", "artifacts_dynamic_version"}
    ),
    "run_as": frozenset({"user_name", "service_principal_name"}),
}
"""What may stand in a block; only what is near one of these is reported, since newer bundles have more."""
_SIDE_KEYS: Final = frozenset({"resources", "targets", *MANAGED})
_ADDITIONS: Final = "provisioning"


@dataclass(frozen=True)
class Bundle:
    """What the files say together, before variables, targets and references.

    Attributes:
        root: the merged document, with our additions laid over it.
        folder: where relative paths of the root file start; None if only single files were named.
        name: what the folder or file is called, for a bundle without a name.
    """

    root: Node
    folder: Path | None
    name: str


def read_bundle(paths: Sequence[Path], problems: Problems) -> Bundle:
    """Read every file that the paths stand for, and merge them.

    Args:
        paths: folders and single files, as the user named them.
        problems: where everything wrong is reported.
    """
    documents: list[Node] = []
    additions: list[Node] = []
    for path in paths:
        for document in _documents(path, problems):
            checked = _checked(document, problems)
            documents.append(checked.with_value({k: v for k, v in checked.fields().items() if k != _ADDITIONS}))
            if (side := checked.get(_ADDITIONS)) is not None:
                additions.append(_side(side, problems))
    empty = Node({}, Span(str(paths[0]) if paths else "configs"))
    root = empty
    for document in documents:
        root = join(root, document, problems)
    for side in additions:
        root = overlay(root, side)
    first = paths[0] if paths else None
    folder = next((path for path in paths if path.is_dir()), None)
    resolved = first.resolve() if first is not None else None
    name = "" if resolved is None else resolved.name if resolved.is_dir() else resolved.name.partition(".")[0]
    return Bundle(root=root, folder=folder, name=name)


def _documents(path: Path, problems: Problems) -> list[Node]:
    if not path.is_dir():
        return _read_all([(path, None)], None, problems)
    root = files.root_file(path, problems)
    if root is None:
        found = files.yaml_files(path)
        if not found:
            remedy = "add a databricks.yml, or name the folder or file that holds the configs"
            problems.add("P109", f"{path} holds no *.yml and no *.yaml file", Span(str(path)), remedy=remedy)
        return _read_all([(each, None) for each in found], path, problems)
    document = files.read(root, problems, inside=path)
    if document is None:
        return []
    include = document.get("include")
    listed = list(files.included(include, path, problems)) if include is not None else []
    named = {each for each, _span in listed}
    sides = files.side_files({path, *(each.parent for each in named)})
    wanted: list[tuple[Path, Span | None]] = [
        *((each, span) for each, span in listed if each != root),
        *((each, None) for each in sides if each not in named),
    ]
    return [document, *_read_all(wanted, path, problems)]


def _read_all(wanted: list[tuple[Path, Span | None]], inside: Path | None, problems: Problems) -> list[Node]:
    read = (files.read(each, problems, inside=inside, asked_at=span) for each, span in wanted)
    return [document for document in read if document is not None]


def _checked(document: Node, problems: Problems) -> Node:
    """Report what a document may not hold at its top, and return it without what is skipped."""
    if not isinstance(document.value, dict):
        problems.add("P203", "a config file is a mapping, such as `resources:`", document)
        return document.with_value({})
    kept: dict[str, Node] = {}
    for key, node in document.value.items():
        if key in _USED or key == _ADDITIONS:
            if check_shape(key, node, problems):
                kept[key] = node
        elif key in _CHANGES_MEANING:
            problems.add(
                "P403",
                f"`{key}` changes what the configs mean and is not supported",
                node.key,
                remedy=_CHANGES_MEANING[key],
            )
        elif key in _SKIPPED:
            _check_skipped(key, node, problems)
        else:
            _unknown_at_top(key, node, problems)
    return document.with_value(kept)


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


def _check_skipped(key: str, node: Node, problems: Problems) -> None:
    for construct in ("python", "pydabs"):
        if key == "experimental" and (inner := node.get(construct)) is not None:
            remedy = _CHANGES_MEANING["python"]
            problems.add("P403", f"`experimental.{construct}` changes what the configs mean", inner.key, remedy=remedy)


def _unknown_at_top(key: str, node: Node, problems: Problems) -> None:
    near = did_you_mean(key, _USED | _SKIPPED | {_ADDITIONS} | set(MANAGED))
    if near in MANAGED:
        problems.add(
            "P201",
            f"`{key}` stands under `resources`, not at the top",
            node.key,
            remedy="indent it below `resources:`",
        )
    elif near is not None:
        problems.add("P201", f"`{key}` is not known at the top of a config", node.key, remedy=f"did you mean `{near}`?")
    else:
        # Bundles hold YAML anchors under keys of the user's own, and newer blocks that have nothing to do with us.
        problems.add("P407", f"`{key}` is not known at the top of a config and is skipped", node.key)


def _side(side: Node, problems: Problems) -> Node:
    """Bring our additions into the bundle's shape, in which scopes and endpoints stand below `resources`."""
    merged = _under_resources(side, problems)
    targets = merged.get("targets")
    if targets is None:
        return merged
    shaped = {name: _under_resources(target, None) for name, target in targets.fields().items()}
    return merged.with_value({**merged.fields(), "targets": targets.with_value(dict(shaped))})


def _under_resources(side: Node, problems: Problems | None) -> Node:
    kept: dict[str, Node] = {}
    direct: dict[str, Node] = {}
    for key, node in side.fields().items():
        if key in MANAGED:
            direct[key] = node
        else:
            kept[key] = node
        if problems is not None and key not in _SIDE_KEYS:
            near = did_you_mean(key, _SIDE_KEYS)
            problems.add(
                "P201",
                f"`{key}` is not known under `provisioning`",
                node.key,
                remedy=f"did you mean `{near}`?" if near else None,
            )
    result = side.with_value(kept)
    return overlay(result, side.with_value({"resources": side.with_value(direct)})) if direct else result


def note_skipped(resources: Node, problems: Problems) -> None:
    """Say, once, which resource types are left alone; refuse a misspelt one."""
    skipped: list[str] = []
    first: Node | None = None
    for key, node in resources.fields().items():
        if key in MANAGED:
            continue
        near = did_you_mean(key, MANAGED)
        if key in _RESERVED:
            problems.add("P405", f"`resources.{key}` is not managed yet; it is left alone", node.key)
        elif near is not None:
            problems.add("P201", f"`{key}` is not known under `resources`", node.key, remedy=f"did you mean `{near}`?")
        else:
            skipped.append(key)
            first = first or node
    if skipped:
        listed = ", ".join(sorted(skipped))
        problems.add(
            "P404", f"resource types that are not managed here are skipped: {listed}", first.key if first else None
        )
