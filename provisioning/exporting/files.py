"""How an export is laid out: one document, or a bundle's folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain, count
from typing import TYPE_CHECKING

from provisioning.exporting.yaml_text import remark, yaml_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic import JsonValue

    from provisioning.exporting.entry import Entry
    from provisioning.exporting.export import Export
    from provisioning.model.workspace import Target

_ROOT_FILE = "databricks.yml"
_SCOPES_FILE = "resources/scopes.yml"
_ENDPOINTS_FILE = "endpoints"
_UNTAGGED = "untagged"

Keyed = Mapping[str, "Entry"]


def document(export: Export, *, set_name: str, target: Target) -> str:
    """Return an export as one file.

    Args:
        export: what is exported.
        set_name: the name that the configs are to have.
        target: the target that they are for.
    """
    parts = [_head(export), yaml_of(_frame(set_name, target))]
    if export.scopes or export.endpoints:
        parts.append(_resources(_keyed(export.scopes), _keyed(export.endpoints)))
    return "\n".join(parts)


def folder(
    export: Export, *, set_name: str, target: Target, as_bundle: bool = False, by_tag: str | None = None
) -> Mapping[str, str]:
    """Return an export as the files of a folder, by their paths in it.

    Args:
        export: what is exported.
        set_name: the name that the configs are to have.
        target: the target that they are for.
        as_bundle: whether our additions (the secrets' sources) stand in a file of their own, so that
            `databricks bundle validate --strict` accepts the rest.
        by_tag: the tag whose values tell which endpoints share a file; None puts all into one.
    """
    scopes, endpoints = _keyed(export.scopes), _keyed(export.endpoints)
    shared = target.model_copy(update={"deployer": None}) if as_bundle else target
    frame = _frame(set_name, shared)
    if scopes or endpoints:
        frame = {"bundle": frame["bundle"], "include": ["resources/*.yml"], **frame}
    files = {_ROOT_FILE: f"{_head(export)}\n{yaml_of(frame)}"}
    if scopes:
        files[_SCOPES_FILE] = _resources(scopes, {}, without_secrets=as_bundle)
    if as_bundle and (additions := _additions(scopes, target)):
        files[f"{_file_name(set_name)}.secrets.yml"] = yaml_of({"provisioning": additions})
    for name, group in _grouped(endpoints, by_tag).items():
        files[f"resources/{name}.yml"] = _resources({}, group)
    return files


def _head(export: Export) -> str:
    where = f"Exported from {export.host} (workspace {export.workspace_id or 'unknown'})."
    return remark(where) + remark(
        "Values of secrets are not in it. `external: true` leaves a key to whoever puts it; name a source instead, "
        "such as {env: NAME}, to have it written from here."
    )


def _frame(set_name: str, target: Target) -> dict[str, JsonValue]:
    workspace: JsonValue = {
        name: each for name, each in (("host", target.host), ("profile", target.profile)) if each is not None
    }
    block: dict[str, JsonValue] = {"default": True}
    if target.mode:
        block["mode"] = target.mode
    if target.mode == "development":
        block["presets"] = {"name_prefix": ""}  # the names below have theirs already
    if workspace:
        block["workspace"] = workspace
    if target.deployer:
        block["deployer"] = target.deployer
    return {"bundle": {"name": set_name}, "targets": {target.name: block}}


def _resources(scopes: Keyed, endpoints: Keyed, *, without_secrets: bool = False) -> str:
    text = "resources:\n"
    for kind, keyed in (("secret_scopes", scopes), ("model_serving_endpoints", endpoints)):
        if keyed:
            text += f"  {kind}:\n"
        for key, entry in keyed.items():
            fields = {name: each for name, each in entry.fields.items() if not (without_secrets and name == "secrets")}
            text += "".join(remark(each, indent=4) for each in entry.remarks)
            text += f"    {key}:\n{yaml_of(fields, indent=6)}"
    return text


def _additions(scopes: Keyed, target: Target) -> dict[str, JsonValue]:
    sources: dict[str, JsonValue] = {
        key: {"secrets": entry.fields["secrets"]} for key, entry in scopes.items() if "secrets" in entry.fields
    }
    found: dict[str, JsonValue] = {"secret_scopes": sources} if sources else {}
    if target.deployer:
        found["targets"] = {target.name: {"deployer": target.deployer}}
    return found


def _grouped(endpoints: Keyed, by_tag: str | None) -> dict[str, dict[str, Entry]]:
    groups: dict[str, dict[str, Entry]] = {}
    for key, entry in endpoints.items():
        value = entry.tags.get(by_tag, "") if by_tag else None
        name = _ENDPOINTS_FILE if value is None else f"{_ENDPOINTS_FILE}.{_file_name(value) or _UNTAGGED}"
        groups.setdefault(name, {})[key] = entry
    return groups


def _keyed(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Give each resource a key that references can lead to: letters, digits and `_`, a letter first."""
    return dict(zip(_unique(_key(each.name) for each in entries), entries, strict=True))


def _key(name: str) -> str:
    key = re.sub(r"[^A-Za-z0-9_]+", "_", name)
    return key if key[:1].isalpha() else f"r{key}"


def _unique(keys: Iterable[str]) -> list[str]:
    taken: dict[str, None] = {}
    for key in keys:
        candidates = chain([key], (f"{key}_{number}" for number in count(2)))
        taken[next(each for each in candidates if each not in taken)] = None
    return list(taken)


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", text).strip("-").lower()
