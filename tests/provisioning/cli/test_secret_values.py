"""Whether a secret's value differs, and who has to hear of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision, Writes

pytestmark = pytest.mark.usefixtures("workspace")

PUT, CONFIG = "POST /api/2.0/secrets/put", "PUT /api/2.0/serving-endpoints/chat/config"


def gets(workspace: WorkspaceHandle) -> int:
    return sum(each.path == "/api/2.0/secrets/get" for each in workspace.requests)


def test_values_are_fetched_only_to_be_compared(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    writes()
    provision("plan", configs)
    by_the_marker = gets(workspace)
    writes()

    result = provision("plan", configs, "--compare-values", "--detailed-exitcode")

    assert result.code == 0, result.out
    assert (by_the_marker, gets(workspace)) == (1, 2)


def test_value_that_somebody_else_put_is_no_change_if_it_is_the_same(
    configs: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    provision("apply", configs, "--yes")
    client.secrets.put_secret("llm", "openai-key", string_value="sk-first")

    assert provision("plan", configs, "--detailed-exitcode").code == 2
    assert provision("plan", configs, "--compare-values", "--detailed-exitcode").code == 0

    client.secrets.put_secret("llm", "openai-key", string_value="sk-theirs")
    compared = provision("plan", configs, "--compare-values", "--detailed-exitcode")
    assert compared.code == 2
    assert "its source holds another value" in compared.out
    assert "sk-theirs" not in compared.out + compared.err


def test_values_that_may_not_be_read_are_left_to_the_marker(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    provision("apply", configs, "--yes")
    match = {"method": "GET", "path": "/api/2.0/secrets/get"}
    workspace.faults.arm([{"match": match, "kind": "status", "status": 403, "offset": 1, "times": None}])

    assert provision("plan", configs, "--compare-values", "--detailed-exitcode").code == 0


def test_comparing_values_that_are_not_read_is_a_mistake(configs: Configs, provision: Provision) -> None:
    result = provision("plan", configs, "--compare-values", "--no-secret-values")

    assert result.code == 1
    assert "--no-secret-values" in result.err


def test_endpoint_hears_of_the_first_value_that_is_put_over_a_strangers(
    configs: Configs, provision: Provision, client: WorkspaceClient, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    provision("disown", configs, "--yes")
    client.secrets.put_secret("llm", "openai-key", string_value="sk-theirs")
    writes()

    adopted = provision("apply", configs, "--yes", "--adopt")

    assert adopted.code == 0, adopted.err
    assert CONFIG in writes()
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_adopting_a_scope_with_the_same_values_changes_no_endpoint(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    provision("disown", configs, "--yes")
    writes()

    assert provision("apply", configs, "--yes", "--adopt", "--compare-values").code == 0
    seen = writes()

    assert CONFIG not in seen
    assert seen.count(PUT) == 1  # the marker
    assert provision("plan", configs, "--compare-values", "--detailed-exitcode").code == 0


def test_endpoint_hears_of_a_key_that_was_deleted_by_hand(
    configs: Configs, provision: Provision, client: WorkspaceClient, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    client.secrets.delete_secret("llm", "openai-key")
    writes()

    assert provision("apply", configs, "--yes").code == 0
    assert CONFIG in writes()
    assert provision("plan", configs, "--detailed-exitcode").code == 0
