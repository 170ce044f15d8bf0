"""Two applies of different versions at once: an endpoint's parts, and what is gone. Whoever is overtaken says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import provisioning
from provisioning.errors import UnfinishedError
from provisioning.execution.context import Context
from provisioning.model.plan import Action, Operation
from provisioning.rotation import rotate
from tests.provisioning.cli.meanwhile import access, before, once, outcome

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from pytest_mock import MockerFixture

    from local_workspace.local import WorkspaceHandle
    from provisioning.model.api_call import ApiCall
    from provisioning.model.workspace import Desired
    from tests.provisioning.conftest import Configs

pytestmark = pytest.mark.usefixtures("workspace")

VERSION = "another apply put another version of these configs at the same time"


@pytest.fixture
def versions(configs: Configs) -> tuple[Desired, Desired]:
    """The configs, and an edit of what their endpoint serves."""
    return provisioning.load([configs.folder]), edited(configs, "gpt-5")


def edited(configs: Configs, model: str) -> Desired:
    configs.endpoint["config"]["served_entities"][0]["external_model"]["name"] = model
    return provisioning.load([configs.write().folder])


@pytest.mark.parametrize("there", [True, False], ids=["updated", "created"])
def test_config_that_another_apply_put_meanwhile_is_noticed(
    configs: Configs, versions: tuple[Desired, Desired], client: WorkspaceClient, *, there: bool
) -> None:
    ours, theirs = versions
    if there:
        assert outcome(edited(configs, "gpt-4.1")) == ""

    said = outcome(ours, before(Operation.WAIT_READY, lambda: outcome(theirs)))

    assert "another apply put another config at the same time" in said
    [entity] = client.serving_endpoints.get("chat").as_dict()["config"]["served_entities"]
    assert entity["external_model"]["name"] == "gpt-5"
    assert outcome(ours) == ""


@pytest.fixture
def limits(configs: Configs) -> tuple[Desired, Desired]:
    """Two edits of an endpoint's gateway, which nothing waits for and nobody counts; a third is in place."""
    assert outcome(limited(configs, 1)) == ""
    return limited(configs, 2), limited(configs, 3)


def limited(configs: Configs, calls: int) -> Desired:
    limit = {"calls": calls, "key": "endpoint", "renewal_period": "minute"}
    configs.endpoint["ai_gateway"] = {"rate_limits": [limit]}
    return provisioning.load([configs.write().folder])


def test_version_that_another_apply_finished_meanwhile_is_noticed(limits: tuple[Desired, Desired]) -> None:
    ours, theirs = limits

    said = outcome(ours, before(Operation.UPDATE_TAGS, lambda: outcome(theirs)))

    assert "model_serving_endpoints.chat: " in said
    assert VERSION in said
    assert outcome(ours) == ""


def test_version_that_another_apply_finished_just_after_is_noticed(limits: tuple[Desired, Desired]) -> None:
    ours, theirs = limits
    happened: list[str] = []
    meanwhile = once(happened, lambda: outcome(theirs))

    def at_the_end(call: ApiCall) -> None:
        if call.method == "PATCH":
            meanwhile()

    with pytest.raises(UnfinishedError, match=VERSION):
        provisioning.apply(ours, access=replace(access(), on_call=at_the_end))
    assert happened == [""]


def test_version_that_another_apply_finished_while_this_one_was_paced_is_noticed(
    limits: tuple[Desired, Desired], mocker: MockerFixture
) -> None:
    """The workspace takes 50 endpoint writes in 5 minutes: long enough for another apply."""
    ours, theirs = limits
    paced: list[str] = []

    def pace(_context: Context) -> None:
        paced.append("")
        if len(paced) == 2:  # before the tags, the last write
            assert outcome(theirs) == ""

    mocker.patch.object(Context, "pace", pace)

    assert VERSION in outcome(ours)


def test_version_that_another_apply_finished_during_a_rotation_does_not_concern_it(
    limits: tuple[Desired, Desired], configs: Configs
) -> None:
    _, theirs = limits
    happened: list[str] = []
    meanwhile = once(happened, lambda: outcome(theirs))

    at_the_wait = before(Operation.WAIT_READY, meanwhile)
    rotate(limited(configs, 1), "llm/openai-key", access=access("sk-second"), on_event=at_the_wait)

    assert happened == [""]


def test_version_that_came_after_the_plan_is_not_mixed_with_it(
    limits: tuple[Desired, Desired], client: WorkspaceClient
) -> None:
    ours, theirs = limits

    with pytest.raises(UnfinishedError, match=VERSION):
        provisioning.apply(ours, access=access(), review=lambda _plan: outcome(theirs) == "")

    gateway = client.serving_endpoints.get("chat").as_dict()["ai_gateway"]
    assert [each["calls"] for each in gateway["rate_limits"]] == [3]


def test_same_version_from_two_applies_at_once_is_no_conflict(limits: tuple[Desired, Desired]) -> None:
    ours, _ = limits

    assert outcome(ours, before(Operation.UPDATE_TAGS, lambda: outcome(ours))) == ""


def test_same_config_from_two_applies_at_once_is_no_conflict(versions: tuple[Desired, Desired]) -> None:
    ours, theirs = versions
    assert outcome(theirs) == ""

    assert outcome(ours, before(Operation.WAIT_READY, lambda: outcome(ours))) == ""


def test_rotation_that_another_config_overtook_is_not_undone_over_it(
    versions: tuple[Desired, Desired], client: WorkspaceClient
) -> None:
    ours, theirs = versions
    assert outcome(ours) == ""
    happened: list[str] = []
    meanwhile = once(happened, lambda: outcome(theirs))

    with pytest.raises(UnfinishedError, match="another config at the same time"):
        rotate(
            ours,
            "llm/openai-key",
            access=access("sk-second"),
            on_event=before(Operation.WAIT_READY, meanwhile),
            rollback=True,
        )

    assert happened == [""]
    [entity] = client.serving_endpoints.get("chat").as_dict()["config"]["served_entities"]
    assert entity["external_model"]["name"] == "gpt-5"


def test_endpoint_that_another_version_made_first_is_told_from_a_strangers(versions: tuple[Desired, Desired]) -> None:
    ours, theirs = versions

    said = outcome(ours, before(Operation.CREATE_ENDPOINT, lambda: outcome(theirs)))

    assert "the name was taken since the plan was made, by another apply of these configs, in another version" in said


@pytest.mark.parametrize("at", [Operation.PUT_SECRET, Operation.RECORD_SECRETS])
def test_scope_that_another_apply_deletes_meanwhile_is_said_to_be_gone(
    placed: Configs, client: WorkspaceClient, at: Operation
) -> None:
    placed.scope["secrets"]["other"] = {"env": "OPENAI_API_KEY"}

    said = outcome(provisioning.load([placed.write().folder]), before(at, lambda: client.secrets.delete_scope("llm")))

    assert "secret_scopes.llm" in said
    assert "changed since the plan: it was deleted" in said


def test_endpoint_that_another_apply_deletes_while_it_is_waited_for_is_said_to_be_gone(
    configs: Configs, client: WorkspaceClient
) -> None:
    ours = provisioning.load([configs.folder])

    theirs = before(Operation.WAIT_READY, lambda: client.serving_endpoints.delete("chat"))
    said = outcome(ours, theirs, timeout=0.0)

    assert "model_serving_endpoints.chat: " in said
    assert "changed since the plan: it was deleted" in said
    assert outcome(ours) == ""


def test_scope_that_another_apply_deletes_while_a_plan_reads_it_counts_as_gone(
    placed: Configs, workspace: WorkspaceHandle, client: WorkspaceClient
) -> None:
    placed.scope["permissions"] = [{"level": "READ", "group_name": "users"}]
    ours = provisioning.load([placed.write().folder])
    # its keys are still there, and its rights, which are asked for next, are gone
    workspace.faults.arm([{"match": {"path": "/api/2.0/secrets/list"}, "kind": "stale"}])
    client.secrets.delete_scope("llm")

    planned = provisioning.plan(ours, access=access())

    assert {each.address: each.action for each in planned.changes}["secret_scopes.llm"] is Action.CREATE
    assert outcome(ours) == ""
