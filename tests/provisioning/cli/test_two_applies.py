"""Two applies with different values at once: no record says of one value that it is the other."""

from __future__ import annotations

import base64
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

import provisioning
from provisioning import Access, Options
from provisioning.errors import UnfinishedError
from provisioning.model.events import Event, StepStarted
from provisioning.model.ownership import is_marker
from provisioning.model.plan import Action, Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from provisioning.model.api_call import ApiCall
    from provisioning.model.events import Report
    from provisioning.model.workspace import Desired
    from tests.provisioning.conftest import Configs

pytestmark = pytest.mark.usefixtures("workspace")

ADDRESS = "secret_scopes.llm/secrets.openai-key"


@pytest.fixture
def applied(configs: Configs) -> Configs:
    """A scope with a secret, and nothing that uses it."""
    del configs.content["resources"]["model_serving_endpoints"]
    configs.write()
    provisioning.apply(provisioning.load([configs.folder]))
    return configs


def access(value: str) -> Access:
    return Access(environ={**os.environ, "OPENAI_API_KEY": value})


def apply(configs: Configs, value: str, on_event: Callable[[Event], None] = lambda _event: None) -> str:
    """Apply with a value; return what went wrong."""
    try:
        provisioning.apply(provisioning.load([configs.folder]), access=access(value), on_event=on_event)
    except UnfinishedError as error:
        return str(error)
    return ""


def before(operation: Operation, what: Callable[[], object]) -> Callable[[Event], None]:
    def on_event(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step.operation is operation:
            what()

    return on_event


def taken_for(configs: Configs) -> set[str]:
    """Return the values of which a plan says that they are in place."""
    desired = provisioning.load([configs.folder])
    plans = {value: provisioning.plan(desired, access=access(value)) for value in ("sk-first", "sk-a", "sk-b")}
    return {value for value, made in plans.items() if ADDRESS in made.unchanged}


def held(client: WorkspaceClient) -> str:
    return base64.b64decode(client.secrets.get_secret("llm", "openai-key").value or "").decode()


def test_other_apply_that_came_and_went_before_the_record_is_noticed(applied: Configs, client: WorkspaceClient) -> None:
    said = apply(applied, "sk-a", before(Operation.RECORD_SECRETS, lambda: apply(applied, "sk-b")))

    assert "another apply put another value at the same time" in said
    assert held(client) == "sk-a"  # put once more, so that nobody vouches for the time of the last write
    assert taken_for(applied) == set()
    assert apply(applied, "sk-a") == ""
    assert (held(client), taken_for(applied)) == ("sk-a", {"sk-a"})


def test_other_apply_that_came_and_went_before_the_write_is_overwritten(
    applied: Configs, client: WorkspaceClient
) -> None:
    said = apply(applied, "sk-a", before(Operation.PUT_SECRET, lambda: apply(applied, "sk-b")))

    assert said == ""
    assert (held(client), taken_for(applied)) == ("sk-a", {"sk-a"})


def test_apply_that_records_last_takes_back_what_the_other_vouched_for(
    applied: Configs, client: WorkspaceClient
) -> None:
    b_has_put, a_is_done = threading.Event(), threading.Event()

    def b_before_its_record() -> None:
        b_has_put.set()
        a_is_done.wait(timeout=20)

    with ThreadPoolExecutor() as pool:
        others = []

        def a_before_its_record() -> None:
            others.append(pool.submit(apply, applied, "sk-b", before(Operation.RECORD_SECRETS, b_before_its_record)))
            b_has_put.wait(timeout=20)

        apply(applied, "sk-a", before(Operation.RECORD_SECRETS, a_before_its_record))
        a_is_done.set()
        said = others[0].result(timeout=20)

    assert "another apply put another value at the same time" in said
    assert held(client) == "sk-b"
    assert taken_for(applied) == set()


def test_announcement_that_a_third_apply_took_away_is_missed(applied: Configs, client: WorkspaceClient) -> None:
    """It read the marker before the other apply announced its value, and wrote it after that one was through."""
    [marker] = [each.key for each in client.secrets.list_secrets("llm") if is_marker(each.key or "")]

    def meanwhile() -> None:
        announced = json.loads(base64.b64decode(client.secrets.get_secret("llm", str(marker)).value or ""))
        assert apply(applied, "sk-b") == ""
        stale = {**announced, "announced": {**announced["announced"], "another-key": "00"}, "writer": "a-third"}
        client.secrets.put_secret("llm", str(marker), string_value=json.dumps(stale))

    said = apply(applied, "sk-a", before(Operation.RECORD_SECRETS, meanwhile))

    assert "another apply put another value at the same time" in said
    assert taken_for(applied) <= {held(client)}
    assert apply(applied, "sk-b") == ""
    assert taken_for(applied) == {"sk-b"}


def test_key_that_another_apply_took_out_of_the_marker_is_ours_again(configs: Configs, client: WorkspaceClient) -> None:
    """It read the marker before this apply recorded the key, and wrote it afterwards."""
    configs.scope["secrets"]["other"] = {"env": "OPENAI_API_KEY"}
    configs.write()

    def meanwhile() -> None:
        [marker] = [each.key for each in client.secrets.list_secrets("llm") if is_marker(each.key or "")]
        held = json.loads(base64.b64decode(client.secrets.get_secret("llm", str(marker)).value or ""))
        del held["keys"]["other"]
        client.secrets.put_secret("llm", str(marker), string_value=json.dumps(held))

    assert apply(configs, "sk-first", before(Operation.WAIT_READY, meanwhile)) == ""
    prune(without_other(configs))

    assert "other" not in {each.key for each in client.secrets.list_secrets("llm")}


def test_key_that_another_apply_puts_again_while_this_one_deletes_it_stays_ours(
    configs: Configs, client: WorkspaceClient
) -> None:
    configs.scope["secrets"]["other"] = {"env": "OPENAI_API_KEY"}
    theirs = provisioning.load([configs.write().folder])
    assert outcome(theirs) == ""
    ours = without_other(configs)

    prune(ours, before(Operation.RECORD_SECRETS, lambda: outcome(theirs)))
    assert "other" in {each.key for each in client.secrets.list_secrets("llm")}
    prune(ours)

    assert "other" not in {each.key for each in client.secrets.list_secrets("llm")}


@pytest.mark.parametrize("at", [Operation.CREATE_SCOPE, Operation.PUT_MARKER])
def test_marker_of_another_apply_that_found_no_scope_either_is_not_written_over(
    configs: Configs, client: WorkspaceClient, at: Operation
) -> None:
    configs.scope["secrets"]["other"] = {"env": "OPENAI_API_KEY"}
    theirs = provisioning.load([configs.write().folder])
    ours = without_other(configs)

    outcome(ours, before(at, lambda: outcome(theirs)))
    assert "other" in {each.key for each in client.secrets.list_secrets("llm")}
    prune(ours)

    assert "other" not in {each.key for each in client.secrets.list_secrets("llm")}


def without_other(configs: Configs) -> Desired:
    del configs.scope["secrets"]["other"]
    return provisioning.load([configs.write().folder])


def prune(desired: Desired, on_event: Callable[[Event], None] = lambda _event: None) -> None:
    provisioning.apply(desired, access=access("sk-first"), options=Options(prune=True), on_event=on_event)


def test_same_value_from_two_applies_at_once_is_no_conflict(applied: Configs, client: WorkspaceClient) -> None:
    said = apply(applied, "sk-a", before(Operation.RECORD_SECRETS, lambda: apply(applied, "sk-a")))

    assert said == ""
    assert (held(client), taken_for(applied)) == ("sk-a", {"sk-a"})


@pytest.fixture
def versions(configs: Configs) -> tuple[Desired, Desired]:
    """The configs, and an edit of what their endpoint serves."""
    return provisioning.load([configs.folder]), edited(configs, "gpt-5")


def edited(configs: Configs, model: str) -> Desired:
    configs.endpoint["config"]["served_entities"][0]["external_model"]["name"] = model
    return provisioning.load([configs.write().folder])


def outcome(
    desired: Desired, on_event: Callable[[Event], None] = lambda _event: None, *, timeout: float | None = None
) -> str:
    """Apply; return what failed."""
    try:
        provisioning.apply(desired, access=access("sk-first"), on_event=on_event, timeout=timeout)
    except UnfinishedError as error:
        failed = cast("Report", error.report).outcome.failed
        return " ".join(f"{each.address}: {each.message}" for each in failed)
    return ""


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


VERSION = "another apply put another version of these configs at the same time"


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
    said = []

    def at_the_end(call: ApiCall) -> None:
        if call.method == "PATCH" and not said:
            said.append(outcome(theirs))

    with pytest.raises(UnfinishedError, match=VERSION):
        provisioning.apply(ours, access=replace(access("sk-first"), on_call=at_the_end))
    assert said == [""]


def test_version_that_came_after_the_plan_is_not_mixed_with_it(
    limits: tuple[Desired, Desired], client: WorkspaceClient
) -> None:
    ours, theirs = limits

    with pytest.raises(UnfinishedError, match=VERSION):
        provisioning.apply(ours, access=access("sk-first"), review=lambda _plan: outcome(theirs) == "")

    gateway = client.serving_endpoints.get("chat").as_dict()["ai_gateway"]
    assert [each["calls"] for each in gateway["rate_limits"]] == [3]


def test_same_version_from_two_applies_at_once_is_no_conflict(limits: tuple[Desired, Desired]) -> None:
    ours, _ = limits

    assert outcome(ours, before(Operation.UPDATE_TAGS, lambda: outcome(ours))) == ""


def test_same_config_from_two_applies_at_once_is_no_conflict(versions: tuple[Desired, Desired]) -> None:
    ours, theirs = versions
    assert outcome(theirs) == ""

    assert outcome(ours, before(Operation.WAIT_READY, lambda: outcome(ours))) == ""


def test_endpoint_that_another_version_made_first_is_told_from_a_strangers(versions: tuple[Desired, Desired]) -> None:
    ours, theirs = versions

    said = outcome(ours, before(Operation.CREATE_ENDPOINT, lambda: outcome(theirs)))

    assert "the name was taken since the plan was made, by another apply of these configs, in another version" in said


@pytest.mark.parametrize("at", [Operation.PUT_SECRET, Operation.RECORD_SECRETS])
def test_scope_that_another_apply_deletes_meanwhile_is_said_to_be_gone(
    applied: Configs, client: WorkspaceClient, at: Operation
) -> None:
    def before_the_call(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step.operation is at:
            client.secrets.delete_scope("llm")

    applied.scope["secrets"]["other"] = {"env": "OPENAI_API_KEY"}

    said = outcome(provisioning.load([applied.write().folder]), before_the_call)

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
    applied: Configs, workspace: WorkspaceHandle, client: WorkspaceClient
) -> None:
    applied.scope["permissions"] = [{"level": "READ", "group_name": "users"}]
    ours = provisioning.load([applied.write().folder])
    # its keys are still there, and its rights, which are asked for next, are gone
    workspace.faults.arm([{"match": {"path": "/api/2.0/secrets/list"}, "kind": "stale"}])
    client.secrets.delete_scope("llm")

    planned = provisioning.plan(ours, access=access("sk-first"))

    assert {each.address: each.action for each in planned.changes}["secret_scopes.llm"] is Action.CREATE
    assert outcome(ours) == ""
