"""`load`: configs in, `Desired` out. Every step of the way stands in one function, in its order."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from provisioning.config.blocks import MANAGED
from provisioning.config.building import build
from provisioning.config.bundle import note_skipped, read_bundle
from provisioning.config.checks import check
from provisioning.config.presets import name_prefix, prefix_names, spread_permissions
from provisioning.config.problems import Problems
from provisioning.config.resolver import Resolver
from provisioning.config.settings import bundle_facts, bundle_name, read_target
from provisioning.config.targets import apply_target, choose_target
from provisioning.config.variables import Variables
from provisioning.model.address import endpoint_address, scope_address
from provisioning.model.endpoints import ModelServingEndpoint
from provisioning.model.scopes import SecretScope
from provisioning.model.workspace import Desired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from provisioning.config.nodes import Node
    from provisioning.errors import Position
    from provisioning.model.address import Address
    from provisioning.model.workspace import Target

ResourceT = TypeVar("ResourceT", SecretScope, ModelServingEndpoint)


def load(
    paths: Sequence[Path],
    *,
    target: str | None = None,
    variables: Mapping[str, str] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Desired:
    """Read configs. Nothing is asked of a workspace, and no secret's value is read.

    Args:
        paths: folders (each its databricks.yml with what that includes and the `*.secrets.yml` beside; without
            one, every *.yml and *.yaml in it) and single files.
        target: the target's name; None for the default one.
        variables: values of the bundle's variables, as `--var` gives them.
        environ: the environment, for `BUNDLE_VAR_*`.

    Raises:
        ConfigError: something is wrong; it carries every problem found.
    """
    problems = Problems()
    bundle = read_bundle(paths, problems)
    name = choose_target(bundle.root, target, problems)
    if name is None:
        problems.raise_if_failed()
        raise AssertionError("a missing target is an error")  # pragma: no cover
    root = apply_target(bundle.root, name, problems)
    values = Variables(root, name, given=variables or {}, environ=environ, folder=bundle.folder, problems=problems)
    resolver = Resolver(root, values, bundle_facts(bundle, name), problems)
    settings = read_target(root, name, resolver, problems)
    resources = _resources(root, settings, values, resolver, problems)

    scopes = _built(SecretScope, resources, "secret_scopes", problems)
    endpoints = _built(ModelServingEndpoint, resources, "model_serving_endpoints", problems)
    check(resources, problems)
    problems.raise_if_failed()
    return Desired(
        set_name=bundle_name(root, resolver) or bundle.name,
        named=bundle_name(root, resolver) is not None,
        target=settings,
        scopes=tuple(scope for scope, _node in scopes),
        endpoints=tuple(endpoint for endpoint, _node in endpoints),
        keys={
            **_keys(resources.get("secret_scopes"), "secret_scopes", scope_address),
            **_keys(resources.get("model_serving_endpoints"), "model_serving_endpoints", endpoint_address),
        },
        positions={
            **_positions((scope_address(scope.name), node) for scope, node in scopes),
            **_positions((endpoint_address(endpoint.name), node) for endpoint, node in endpoints),
        },
        notes=problems.sorted(),
    )


def _resources(root: Node, settings: Target, values: Variables, resolver: Resolver, problems: Problems) -> Node:
    """Return the managed resources with their presets, and with every reference resolved that can be."""
    declared = root.get("resources") or root.with_value({})
    note_skipped(declared, problems)
    presets = root.get("presets")
    prefix = name_prefix(resolver.resolve(presets) if presets is not None else None, settings.mode)
    endpoints = prefix_names(declared.get("model_serving_endpoints"), prefix)
    if endpoints is not None:
        declared = declared.with_value({**declared.fields(), "model_serving_endpoints": endpoints})
    # Names changed: what refers to them must see the new ones.
    renamed = Resolver(root.with_value({**root.fields(), "resources": declared}), values, resolver.facts, problems)
    managed = {kind: node for kind, node in declared.fields().items() if kind in MANAGED}
    granting = renamed.resolve(root.with_value({"permissions": node} if (node := root.get("permissions")) else {}))
    return spread_permissions(granting, renamed.resolve(declared.with_value(managed)), problems)


def _built(kind: type[ResourceT], resources: Node, group: str, problems: Problems) -> list[tuple[ResourceT, Node]]:
    declared = resources.get(group)
    if declared is None or declared.value is None:
        return []
    if not isinstance(declared.value, dict):
        problems.add("P203", f"`resources.{group}` is a mapping, by a key of your own", declared)
        return []
    built = ((build(kind, node, f"{group}.{key}", problems), node) for key, node in declared.value.items())
    return [(model, node) for model, node in built if model is not None]


def _keys(group: Node | None, kind: str, address: Callable[[str], Address]) -> dict[str, Address]:
    named = ((key, node.get("name")) for key, node in (group.fields() if group is not None else {}).items())
    return {f"{kind}.{key}": address(str(name.value)) for key, name in named if name is not None}


def _positions(resources: Iterable[tuple[Address, Node]]) -> dict[str, Position]:
    found: dict[str, Position] = {}
    for address, node in resources:
        _place(node, address, "#", found)
    return found


def _place(node: Node, path: str, separator: str, found: dict[str, Position]) -> None:
    found[path] = (node.key or node.span).position
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            _place(child, f"{path}{separator}{key}", ".", found)
    elif isinstance(node.value, list):
        for index, child in enumerate(node.value):
            _place(child, f"{path}[{index}]", ".", found)
