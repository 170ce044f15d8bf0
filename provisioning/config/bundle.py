"""The bundle that several files make together: which files, what they may hold, and how they are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.config import additions, files
from provisioning.config.blocks import ADDITIONS, CHANGES_MEANING, MANAGED, RESERVED, SKIPPED, USED, check_shape
from provisioning.config.merging import join, overlay
from provisioning.config.nodes import Node, Span
from provisioning.model.rules import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from provisioning.config.problems import Problems

_MOST_BLOCKS = 200
_MOST_LISTED = 10


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
    sides: list[Node] = []
    for path in paths:
        for document in _documents(path, problems):
            checked = _checked(document, problems)
            documents.append(checked.with_value({k: v for k, v in checked.fields().items() if k != ADDITIONS}))
            if (side := checked.get(ADDITIONS)) is not None:
                sides.append(additions.shaped(side, problems))
    empty = Node({}, Span(str(paths[0]) if paths else "configs"))
    root = empty
    for document in documents:
        root = join(root, document, problems)
    for side in sides:
        root = overlay(root, additions.of_declared(side, root, problems))
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
        found = files.yaml_files(path, problems)
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
    sides = files.side_files({path, *(each.parent for each in named)}, problems)
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
    if document.value is None:
        return document.with_value({})  # `---` above lines that are all commented out
    if not isinstance(document.value, dict):
        problems.add("P203", "a config file is a mapping, such as `resources:`", document, hide=document)
        return document.with_value({})
    if len(document.value) > _MOST_BLOCKS:
        problems.add("P104", f"{len(document.value)} blocks at the top: this is no config", document)
        return document.with_value({})
    kept: dict[str, Node] = {}
    for key, node in document.value.items():
        if key in USED or key == ADDITIONS:
            if check_shape(key, node, problems):
                kept[key] = node
        elif key in CHANGES_MEANING:
            message = f"`{key}` changes what the configs mean and is not supported"
            problems.add("P403", message, node.key, remedy=CHANGES_MEANING[key])
        elif key in SKIPPED:
            _check_skipped(key, node, problems)
        else:
            _unknown_at_top(key, node, problems)
    return document.with_value(kept)


def _check_skipped(key: str, node: Node, problems: Problems) -> None:
    for construct in ("python", "pydabs"):
        if key == "experimental" and (inner := node.get(construct)) is not None:
            remedy = CHANGES_MEANING["python"]
            problems.add("P403", f"`experimental.{construct}` changes what the configs mean", inner.key, remedy=remedy)


def _unknown_at_top(key: str, node: Node, problems: Problems) -> None:
    near = did_you_mean(key, USED | SKIPPED | {ADDITIONS} | set(MANAGED))
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


def note_skipped(resources: Node, problems: Problems) -> None:
    """Say, once, which resource types are left alone; refuse a misspelt one."""
    skipped: list[str] = []
    first: Node | None = None
    for key, node in resources.fields().items():
        if key in MANAGED:
            continue
        near = did_you_mean(key, MANAGED)
        if key in RESERVED:
            problems.add("P405", f"`resources.{key}` is not managed yet; it is left alone", node.key)
        elif near is not None:
            problems.add("P201", f"`{key}` is not known under `resources`", node.key, remedy=f"did you mean `{near}`?")
        else:
            skipped.append(key)
            first = first or node
    if skipped:
        listed = ", ".join(sorted(skipped)[:_MOST_LISTED])
        listed += f" and {len(skipped) - _MOST_LISTED} more" if len(skipped) > _MOST_LISTED else ""
        problems.add(
            "P404", f"resource types that are not managed here are skipped: {listed}", first.key if first else None
        )
