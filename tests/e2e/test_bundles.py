"""Bundles as teams write them: each applies as it means it, and leaves nothing to do.

A case is a folder in `bundles/`: the bundle, and `case.json` with the command's `flags`, its `env`, what it `says`,
and what must then be live: `endpoints` (any part of the GET's answer; tags and permissions by name) and the `scopes`'
rights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from provisioning.cli import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.local import LocalWorkspace

CASES = sorted(each.parent for each in (Path(__file__).parent / "bundles").glob("*/case.json"))


class Api:
    """What another client sees."""

    def __init__(self, workspace: LocalWorkspace) -> None:
        self._workspace = workspace
        self._pool = urllib3.PoolManager()

    def get(self, path: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._workspace.token}"}
        answer = self._pool.request("GET", f"{self._workspace.host}/api/2.0/{path}", headers=headers)
        assert answer.status == 200, answer.data
        found: dict[str, Any] = answer.json()
        return found

    def endpoint(self, name: str) -> dict[str, Any]:
        """Return an endpoint with its own tags and direct permissions by name."""
        found = self.get(f"serving-endpoints/{name}")
        ours = {"managed-by", "provisioning-set", "config-hash"}
        tags = {each["key"]: each.get("value") for each in found["tags"] if each["key"] not in ours}
        listed = self.get(f"permissions/serving-endpoints/{found['id']}")["access_control_list"]
        permissions = {
            principal: level["permission_level"]
            for each in listed
            for principal in [each.get("user_name") or each.get("group_name") or each.get("service_principal_name")]
            for level in each["all_permissions"]
            if not level["inherited"]
        }
        return {**found, "tags": Exactly(tags), "permissions": Exactly(permissions)}


class Exactly(dict[str, Any]):
    """A mapping that is compared as a whole."""


def parts_missing(wanted: object, found: object, path: str = "") -> list[str]:
    """List where `found` is not what is wanted: of a mapping each wanted key, of a list each item in its place."""
    if isinstance(wanted, dict) and isinstance(found, dict) and not isinstance(found, Exactly):
        return [each for key in wanted for each in parts_missing(wanted[key], found.get(key), f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return [each for index, (one, other) in pairs for each in parts_missing(one, other, f"{path}[{index}]")]
    return [] if wanted == found else [f"{path}: {found!r} instead of {wanted!r}"]


@pytest.mark.local_workspace(deploy_seconds=0.0, custom_deploy_seconds=0.0)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bundle_applies_as_it_means_it_and_leaves_nothing_to_do(
    case: Path,
    databricks_env: LocalWorkspace,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected: Mapping[str, Any] = json.loads((case / "case.json").read_text(encoding="utf-8"))
    monkeypatch.setenv("BUNDLE_KEY", "sk-in-a-bundle")
    for name, value in expected.get("env", {}).items():
        monkeypatch.setenv(name, value)

    def provision(command: str, *flags: str) -> tuple[int, str]:
        code = run([command, str(case), *expected.get("flags", ()), *flags])
        out, err = capsys.readouterr()
        return code, out + err

    code, said = provision("apply", "--yes")
    assert code == 0, said
    for each in expected.get("says", ()):
        assert said.count(each) >= 1, said
    assert said.count(" P404 ") <= 1, "one note for all that is skipped"
    api = Api(databricks_env)
    for name, endpoint in expected["endpoints"].items():
        assert parts_missing(endpoint, api.endpoint(name)) == []
    listed = [each["name"] for each in api.get("serving-endpoints")["endpoints"] if "id" in each]
    assert sorted(listed) == sorted(expected["endpoints"]), "nothing else was made"
    for name, rights in expected.get("scopes", {}).items():
        items = api.get(f"secrets/acls/list?scope={name}")["items"]
        assert {each["principal"]: each["permission"] for each in items}.items() >= rights.items()
    databricks_env.requests.clear()
    code, said = provision("plan", "--detailed-exitcode")
    assert code == 0, said
    assert [each for each in databricks_env.requests if each.method != "GET"] == []
