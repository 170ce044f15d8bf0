"""References to secrets that the configs don't put there themselves are held against the workspace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from databricks.sdk.service.workspace import AclPermission

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision, Writes

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def elsewhere(configs: Configs, client: WorkspaceClient) -> Configs:
    """Configs with one endpoint, whose key somebody else keeps in a scope of their own."""
    client.secrets.create_scope("shared")
    client.secrets.put_secret("shared", "openai-key", string_value="sk-theirs")
    del configs.content["resources"]["secret_scopes"]
    return refer(configs, "shared/openai-key")


def refer(configs: Configs, secret: str) -> Configs:
    configs.openai["openai_api_key"] = f"{{{{secrets/{secret}}}}}"
    return configs.write()


def line_of_reference(configs: Configs) -> int:
    lines = (configs.folder / "databricks.yml").read_text().splitlines()
    return next(number for number, text in enumerate(lines, start=1) if "openai_api_key" in text)


def test_reference_to_a_secret_that_is_there_is_fine(elsewhere: Configs, provision: Provision) -> None:
    assert "P60" not in provision("plan", elsewhere).err
    assert provision("apply", elsewhere, "--yes").code == 0


@pytest.mark.parametrize(
    ("secret", "code", "words"),
    [
        ("shared/openai-kee", "P602", "did you mean 'openai-key'?"),
        ("shared/other", "P602", "databricks secrets put-secret shared other"),
        ("shared/OpenAI-Key", "P603", "write 'openai-key'"),
        ("Shared/openai-key", "P603", "write 'shared'"),
        ("shard/openai-key", "P601", "did you mean 'shared'?"),
        ("qqq/openai-key", "P601", "declare it in the configs"),
    ],
)
def test_reference_that_leads_nowhere_is_a_positioned_error_of_apply(
    elsewhere: Configs, provision: Provision, writes: Writes, *, secret: str, code: str, words: str
) -> None:
    refer(elsewhere, secret)
    writes()

    planned, applied = provision("plan", elsewhere), provision("apply", elsewhere, "--yes")

    for result in (planned, applied):
        assert f"databricks.yml:{line_of_reference(elsewhere)}:" in result.err
        assert f"error {code}" in result.err
        assert words in result.err
    assert (planned.code, applied.code) == (0, 1)
    assert writes() == []


def test_reference_without_the_right_to_read_says_whom_to_ask(
    workspace: WorkspaceHandle, elsewhere: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABRICKS_TOKEN", workspace.token_for("ann@example.com"))

    result = provision("apply", elsewhere, "--yes")

    assert result.code == 1
    assert "error P604" in result.err
    assert "READ" in result.err


def test_secret_that_went_away_under_an_endpoint_is_a_warning(
    elsewhere: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    provision("apply", elsewhere, "--yes")
    client.secrets.delete_secret("shared", "openai-key")

    planned, applied = provision("plan", elsewhere), provision("apply", elsewhere, "--yes")
    strict = provision("plan", elsewhere, "--strict")

    assert "warning P602" in planned.err
    assert "warning P602" in applied.err
    assert (planned.code, applied.code, strict.code) == (0, 0, 1)


def test_external_secret_has_to_be_there_before_the_endpoint(
    configs: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    configs.scope["secrets"] = {"openai-key": {"external": True}}
    configs.write()

    refused = provision("apply", configs, "--yes")
    client.secrets.create_scope("llm")
    client.secrets.put_secret("llm", "openai-key", string_value="sk-theirs")
    applied = provision("apply", configs, "--yes", "--adopt")

    assert refused.code == 1
    assert "error P602" in refused.err
    assert applied.code == 0, applied.err


def test_plan_for_programs_holds_the_diagnostics(elsewhere: Configs, provision: Provision) -> None:
    refer(elsewhere, "shared/other")

    made = json.loads(provision("plan", elsewhere, "--format", "json").out)

    assert [(each["code"], each["severity"]) for each in made["diagnostics"]] == [("P602", "error")]


def test_reader_of_the_scope_may_use_it(
    workspace: WorkspaceHandle,
    elsewhere: Configs,
    provision: Provision,
    client: WorkspaceClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client.secrets.put_acl("shared", "ann@example.com", AclPermission.READ)
    monkeypatch.setenv("DATABRICKS_TOKEN", workspace.token_for("ann@example.com"))

    assert "P604" not in provision("plan", elsewhere).err
