from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_workspace import Behaviour, LocalWorkspace
from local_workspace.clock import Clock
from local_workspace.lifecycle import CONFIG_UPDATE, DEPLOYMENT, TRANSITIONS, Event, Update

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.local_workspace.conftest import Api

ENDPOINTS = "/api/2.0/serving-endpoints"


@pytest.fixture
def state(api: Api) -> Callable[..., tuple[str, str]]:
    def of(name: str = "chat") -> tuple[str, str]:
        shown = api.ok("GET", f"{ENDPOINTS}/{name}")
        return shown["state"]["ready"], shown["state"]["config_update"]

    return of


@pytest.fixture
def serving(create: Callable[..., dict[str, Any]], workspace: LocalWorkspace) -> None:
    """An endpoint that is READY on version 1."""
    create()
    workspace.clock.advance(5)


def test_every_state_of_an_update_has_its_words() -> None:
    assert set(CONFIG_UPDATE) == set(DEPLOYMENT) == set(Update)


def test_an_update_can_start_from_everywhere_but_from_running() -> None:
    assert {state for state, event in TRANSITIONS if event is Event.START} == set(Update) - {Update.RUNNING}


def test_nothing_happens_before_its_time(
    create: Callable[..., dict[str, Any]], workspace: LocalWorkspace, state: Callable[..., tuple[str, str]]
) -> None:
    create()
    workspace.clock.advance(4.999)
    assert state() == ("NOT_READY", "IN_PROGRESS")
    workspace.clock.advance(0.001)
    assert state() == ("READY", "NOT_UPDATING")


@pytest.mark.usefixtures("serving")
@pytest.mark.witness("config-old-serves", "config-ready-meanwhile", client="HTTP")
def test_the_old_config_serves_while_the_new_one_is_deployed(
    api: Api,
    workspace: LocalWorkspace,
    state: Callable[..., tuple[str, str]],
    openai_entity: Callable[..., dict[str, Any]],
) -> None:
    answer = api.ok("PUT", f"{ENDPOINTS}/chat/config", {"served_entities": [openai_entity("gpt-5")]})
    assert state() == ("READY", "IN_PROGRESS")
    assert answer["config"]["config_version"] == 1
    assert answer["config"]["served_entities"][0]["name"] == "gpt-4o"
    assert answer["pending_config"]["config_version"] == 2
    assert answer["pending_config"]["served_entities"][0]["name"] == "gpt-5"
    workspace.clock.advance(5)
    shown = api.ok("GET", f"{ENDPOINTS}/chat")
    assert shown["config"]["config_version"] == 2
    assert shown["config"]["served_entities"][0]["name"] == "gpt-5"
    assert "pending_config" not in shown


@pytest.mark.usefixtures("serving")
@pytest.mark.witness("config-busy", client="HTTP")
def test_a_config_update_is_refused_while_one_runs_and_changes_nothing(
    api: Api, openai_entity: Callable[..., dict[str, Any]]
) -> None:
    api.ok("PUT", f"{ENDPOINTS}/chat/config", {"served_entities": [openai_entity("gpt-5")]})
    before = api.ok("GET", f"{ENDPOINTS}/chat")
    answer = api("PUT", f"{ENDPOINTS}/chat/config", {"served_entities": [openai_entity("gpt-6")]})
    assert answer.error == (409, "RESOURCE_CONFLICT")
    assert answer.body["message"].startswith("Endpoint chat is currently updating.")
    assert api.ok("GET", f"{ENDPOINTS}/chat") == before


@pytest.mark.witness("changes-without-update", client="HTTP")
def test_tags_and_gateway_change_while_an_update_runs(
    create: Callable[..., dict[str, Any]], api: Api, state: Callable[..., tuple[str, str]]
) -> None:
    create()
    api.ok("PATCH", f"{ENDPOINTS}/chat/tags", {"add_tags": [{"key": "a", "value": "b"}]})
    api.ok("PUT", f"{ENDPOINTS}/chat/ai-gateway", {"usage_tracking_config": {"enabled": True}})
    assert state() == ("NOT_READY", "IN_PROGRESS")


def test_a_first_deployment_that_fails_leaves_no_config_and_says_why(
    create: Callable[..., dict[str, Any]], api: Api, workspace: LocalWorkspace, state: Callable[..., tuple[str, str]]
) -> None:
    workspace.endpoints.fail("ch*", message="the key was refused")
    create()
    assert state() == ("NOT_READY", "IN_PROGRESS")
    workspace.clock.advance(5)
    assert state() == ("NOT_READY", "UPDATE_FAILED")
    shown = api.ok("GET", f"{ENDPOINTS}/chat")
    assert "config" not in shown
    entity = shown["pending_config"]["served_entities"][0]
    assert entity["state"] == {"deployment": "DEPLOYMENT_FAILED", "deployment_state_message": "the key was refused"}


@pytest.mark.usefixtures("serving")
@pytest.mark.witness("config-failure", client="HTTP")
def test_an_update_that_fails_leaves_the_old_config_serving(
    api: Api,
    workspace: LocalWorkspace,
    state: Callable[..., tuple[str, str]],
    openai_entity: Callable[..., dict[str, Any]],
) -> None:
    workspace.endpoints.fail("chat", message="no quota")
    api.ok("PUT", f"{ENDPOINTS}/chat/config", {"served_entities": [openai_entity("gpt-5")]})
    workspace.clock.advance(5)
    assert state() == ("READY", "UPDATE_FAILED")
    shown = api.ok("GET", f"{ENDPOINTS}/chat")
    assert shown["config"]["served_entities"][0]["name"] == "gpt-4o"
    assert shown["config"]["served_entities"][0]["state"]["deployment"] == "DEPLOYMENT_READY"


def test_a_new_config_is_the_way_out_of_a_failure(
    create: Callable[..., dict[str, Any]],
    api: Api,
    workspace: LocalWorkspace,
    state: Callable[..., tuple[str, str]],
    openai_entity: Callable[..., dict[str, Any]],
) -> None:
    workspace.endpoints.fail("chat")
    create()
    workspace.clock.advance(5)
    workspace.endpoints.clear()
    api.ok("PUT", f"{ENDPOINTS}/chat/config", {"served_entities": [openai_entity("gpt-5")]})
    assert state() == ("NOT_READY", "IN_PROGRESS")
    workspace.clock.advance(5)
    assert state() == ("READY", "NOT_UPDATING")
    assert api.ok("GET", f"{ENDPOINTS}/chat")["config"]["config_version"] == 2


def test_a_deployment_in_progress_can_still_be_made_to_fail(
    create: Callable[..., dict[str, Any]], workspace: LocalWorkspace, state: Callable[..., tuple[str, str]]
) -> None:
    create()
    workspace.endpoints.fail("chat", seconds=0)
    assert state() == ("NOT_READY", "UPDATE_FAILED")


def test_a_deployment_can_be_canceled_or_stuck(
    create: Callable[..., dict[str, Any]], api: Api, workspace: LocalWorkspace, state: Callable[..., tuple[str, str]]
) -> None:
    workspace.endpoints.cancel("canceled")
    workspace.endpoints.stick("stuck")
    create("canceled")
    create("stuck")
    workspace.clock.advance(1_000_000)
    assert state("canceled") == ("NOT_READY", "UPDATE_CANCELED")
    assert state("stuck") == ("NOT_READY", "IN_PROGRESS")
    entity = api.ok("GET", f"{ENDPOINTS}/canceled")["pending_config"]["served_entities"][0]
    assert entity["state"]["deployment"] == "DEPLOYMENT_ABORTED"


def test_a_deployment_can_be_given_its_own_time(
    create: Callable[..., dict[str, Any]], workspace: LocalWorkspace, state: Callable[..., tuple[str, str]]
) -> None:
    workspace.endpoints.take("slow", seconds=100)
    create("slow")
    workspace.clock.advance(99)
    assert state("slow") == ("NOT_READY", "IN_PROGRESS")
    workspace.clock.advance(1)
    assert state("slow") == ("READY", "NOT_UPDATING")


def test_deployments_and_time_can_be_arranged_over_http(
    create: Callable[..., dict[str, Any]], api: Api, state: Callable[..., tuple[str, str]]
) -> None:
    api.ok("POST", "/_local/deployments", {"match": "*", "outcome": "failed", "message": "m", "seconds": 7})
    create()
    before = api.ok("GET", "/_local/clock")["now_ms"]
    assert api.ok("POST", "/_local/clock", {"advance": 7})["now_ms"] == before + 7000
    assert state() == ("NOT_READY", "UPDATE_FAILED")
    api.ok("DELETE", "/_local/deployments")
    create("fine")
    api.ok("POST", "/_local/clock", {"advance": 5})
    assert state("fine") == ("READY", "NOT_UPDATING")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_local/clock", {"advance": -1}),
        ("/_local/clock", {"advance": "1"}),
        ("/_local/deployments", {"match": "*", "outcome": "explode"}),
        ("/_local/deployments", {"outcome": "failed"}),
    ],
)
def test_an_arrangement_that_makes_no_sense_is_a_400(api: Api, path: str, body: dict[str, Any] | None) -> None:
    assert api("POST", path, body).status == 400


@pytest.mark.usefixtures("serving")
def test_emptying_the_config_leaves_an_endpoint_without_one(api: Api, state: Callable[..., tuple[str, str]]) -> None:
    api.ok("PUT", f"{ENDPOINTS}/chat/config", {})
    assert state() == ("NOT_READY", "NOT_UPDATING")
    assert "config" not in api.ok("GET", f"{ENDPOINTS}/chat")


@pytest.mark.witness("config-ready-meanwhile", "config-busy", "entities-external-state", client="HTTP")
def test_the_uncertain_parts_are_switches(
    api_of: Callable[..., Api], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    behaviour = Behaviour(ready_during_update=False, busy_status=400, external_entity_state=False)
    with LocalWorkspace(clock=Clock(lambda: 1e9), deploy_seconds=5, behaviour=behaviour) as workspace:
        api = api_of(workspace.host, workspace.token)
        config = {"served_entities": [openai_entity()]}
        created = api.ok("POST", ENDPOINTS, {"name": "chat", "config": config})
        assert "state" not in created["pending_config"]["served_entities"][0]
        workspace.clock.advance(5)
        assert api.ok("PUT", f"{ENDPOINTS}/chat/config", config)["state"]["ready"] == "NOT_READY"
        assert api("PUT", f"{ENDPOINTS}/chat/config", config).error == (400, "RESOURCE_CONFLICT")


def test_what_kind_of_endpoint_it_is_follows_the_config_that_serves(
    api: Api,
    create: Callable[..., dict[str, Any]],
    openai_entity: Callable[..., dict[str, Any]],
    workspace: LocalWorkspace,
) -> None:
    create()
    workspace.clock.advance(5)
    entity = openai_entity("embedder")
    entity["external_model"]["task"] = "llm/v1/embeddings"
    assert api.ok("PUT", f"{ENDPOINTS}/chat/config", {"served_entities": [entity]})["task"] == "llm/v1/chat"
    workspace.clock.advance(5)
    assert api.ok("GET", f"{ENDPOINTS}/chat")["task"] == "llm/v1/embeddings"


@pytest.mark.parametrize("seconds", [-1, float("nan"), 1e300])
def test_time_that_no_timestamp_could_tell_cannot_pass(seconds: float) -> None:
    clock = Clock(lambda: 1.0)
    with pytest.raises(ValueError, match="back"):
        clock.advance(seconds)
    assert clock.now() == 1.0
