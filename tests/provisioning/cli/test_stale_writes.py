"""What somebody does between a plan and its writes: only the objects that were shown are written to."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

import provisioning
from provisioning.errors import BlockedError, NothingAppliedError, PartlyAppliedError
from provisioning.model.events import Event, StepStarted
from provisioning.model.plan import Operation
from provisioning.runner import disown

if TYPE_CHECKING:
    from collections.abc import Callable

    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from provisioning.model.plan import Plan
    from provisioning.model.workspace import Desired
    from tests.provisioning.conftest import Configs, Writes

pytestmark = pytest.mark.usefixtures("workspace")

CHAT = "/api/2.0/serving-endpoints/chat"
ENTITY = {
    "name": "theirs",
    "external_model": {
        "provider": "openai",
        "name": "gpt-4o",
        "task": "llm/v1/chat",
        "openai_config": {"openai_api_key": "{{secrets/llm/openai-key}}"},
    },
}


@pytest.fixture
def applied(configs: Configs, writes: Writes) -> Configs:
    """Two endpoints that are applied, and an edit of both that is not."""
    endpoints = configs.content["resources"]["model_serving_endpoints"]
    endpoints["other"] = {**configs.endpoint, "name": "other"}
    configs.write()
    provisioning.apply(loaded(configs))
    for each in endpoints.values():
        each["ai_gateway"] = {"usage_tracking_config": {"enabled": False}}
        each["permissions"] = [{"level": "CAN_VIEW", "group_name": "users"}]
    configs.write()
    writes()
    return configs


def loaded(configs: Configs) -> Desired:
    return provisioning.load([configs.folder])


def recreate(client: WorkspaceClient) -> None:
    """Delete the endpoint, and make another one of the same name, as a person would by hand."""
    client.serving_endpoints.delete("chat")
    body: dict[str, Any] = {"name": "chat", "config": {"served_entities": [ENTITY]}}
    client.api_client.do("POST", "/api/2.0/serving-endpoints", body=body)


def serves(client: WorkspaceClient) -> list[str]:
    """List the entities of the endpoint that has the name now."""
    config = client.serving_endpoints.get("chat").config
    return [str(each.name) for each in (config.served_entities if config else None) or []]


def meanwhile(what: Callable[[], object]) -> Callable[[Plan], bool]:
    """Let something happen after the plan was made and before anything is written."""

    def review(_made: Plan) -> bool:
        what()
        return True

    return review


def test_endpoint_that_was_made_anew_is_left_alone_and_others_are_not(
    applied: Configs, client: WorkspaceClient, writes: Writes
) -> None:
    old = client.serving_endpoints.get("chat").id or ""

    def by_hand() -> None:
        recreate(client)
        writes()

    with pytest.raises(PartlyAppliedError, match=r"changed since the plan: .* another one has its name") as failed:
        provisioning.apply(loaded(applied), review=meanwhile(by_hand))
    seen = writes()

    new = client.serving_endpoints.get("chat")
    assert not any(CHAT in each or old in each or str(new.id) in each for each in seen)
    assert serves(client) == ["theirs"]
    assert any("serving-endpoints/other" in each for each in seen)
    assert failed.value.remedy == "run it again: it plans for what is there now"
    with pytest.raises(BlockedError, match="belongs to no set"):
        provisioning.apply(loaded(applied))


def test_permissions_are_not_given_on_an_endpoint_that_is_gone(
    applied: Configs, client: WorkspaceClient, writes: Writes
) -> None:
    for each in applied.content["resources"]["model_serving_endpoints"].values():
        each["ai_gateway"] = {
            "usage_tracking_config": {"enabled": True},
            "rate_limits": [{"key": "user", "calls": 60, "renewal_period": "minute"}],
        }
    applied.write()

    with pytest.raises(PartlyAppliedError, match="changed since the plan: it was deleted"):
        provisioning.apply(loaded(applied), review=meanwhile(lambda: client.serving_endpoints.delete("chat")))

    assert sum("permissions" in each for each in writes()) == 1  # of the other endpoint
    provisioning.apply(loaded(applied))
    assert not provisioning.plan(loaded(applied)).pending


def test_endpoint_that_is_made_anew_while_it_is_waited_for_gets_no_marks(
    applied: Configs, client: WorkspaceClient, writes: Writes
) -> None:
    applied.endpoint["config"]["served_entities"][0]["external_model"]["name"] = "gpt-4o-mini"
    applied.endpoint["tags"] = [{"key": "team", "value": "other"}]
    applied.write()
    once = threading.Lock()

    def by_hand(event: Event) -> None:
        waits = isinstance(event, StepStarted) and event.step == waiting
        if waits and once.acquire(blocking=False):
            recreate(client)
            writes()

    waiting = next(
        step
        for change in provisioning.plan(loaded(applied)).changes
        for step in change.steps
        if (step.operation, step.name) == (Operation.WAIT_READY, "chat")
    )
    with pytest.raises(PartlyAppliedError, match="changed since the plan"):
        provisioning.apply(loaded(applied), on_event=by_hand)

    assert not any(f"{CHAT}/" in each for each in writes())
    assert not client.serving_endpoints.get("chat").tags


def test_endpoint_that_was_made_anew_is_not_destroyed(applied: Configs, client: WorkspaceClient) -> None:
    with pytest.raises(PartlyAppliedError, match="changed since the plan"):
        provisioning.destroy(loaded(applied), review=meanwhile(lambda: recreate(client)))

    assert serves(client) == ["theirs"]
    names = {each.name for each in client.serving_endpoints.list()}
    assert "other" not in names


def test_endpoint_that_was_let_go_is_left_alone(applied: Configs, client: WorkspaceClient) -> None:
    with pytest.raises(NothingAppliedError, match="it was let go"):
        provisioning.apply(loaded(applied), review=meanwhile(lambda: disown(loaded(applied))))

    assert [tag.key for tag in client.serving_endpoints.get("chat").tags or []] == ["team"]


@pytest.mark.parametrize("recreated", [True, False])
def test_scope_that_is_another_one_gets_no_value(
    applied: Configs, client: WorkspaceClient, writes: Writes, monkeypatch: pytest.MonkeyPatch, *, recreated: bool
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-second")

    def by_hand() -> None:
        client.secrets.delete_scope("llm")
        if recreated:
            client.secrets.create_scope("llm")
        writes()

    with pytest.raises(NothingAppliedError, match=r"secret_scopes\.llm: .*changed since the plan"):
        provisioning.apply(loaded(applied), review=meanwhile(by_hand))

    assert writes() == []


def test_scope_that_somebody_else_took_is_not_destroyed(applied: Configs, client: WorkspaceClient) -> None:
    def by_hand() -> None:
        client.secrets.put_secret("llm", "_provisioning.0123456789ab", string_value="{}")

    with pytest.raises(PartlyAppliedError, match=r"belongs to another set now \(0123456789ab\)"):
        provisioning.destroy(loaded(applied), review=meanwhile(by_hand))

    assert client.secrets.get_secret("llm", "openai-key").value


def test_looking_again_costs_a_read_for_each_object_and_two_for_the_hash_of_its_configs(
    applied: Configs, workspace: WorkspaceHandle, writes: Writes
) -> None:
    provisioning.plan(loaded(applied))
    to_plan = [each.path for each in workspace.requests]
    writes()

    provisioning.apply(loaded(applied))
    reads = [each.path for each in workspace.requests if each.method == "GET"]

    assert sorted(reads) == sorted([*to_plan, *[CHAT] * 3, *[CHAT.replace("chat", "other")] * 3])
    writes()
    provisioning.apply(loaded(applied))
    assert sorted(each.path for each in workspace.requests) == sorted(to_plan)
