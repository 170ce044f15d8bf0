"""Waiting for an endpoint, against the local workspace; its clock is advanced, nobody sleeps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from langchain_core.exceptions import ModelNotFoundError, ModelTimeoutError

from chat import AsyncChatClient, ChatClient, ChatDatabricks, errors
from tests.chat.api import request

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace.local import WorkspaceHandle
    from provisioning.readiness import Readiness


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, workspace: WorkspaceHandle) -> Callable[..., str]:
    """One call by either client, or `until` seconds of waiting alone; its sleep advances the workspace's clock too."""
    now = 0.0

    def clock() -> float:
        return now

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        workspace.clock.advance(seconds)

    async def asleep(seconds: float) -> None:
        sleep(seconds)

    def call(endpoint: str, *, until: float | None = None, **options: object) -> str:
        if request.param == "sync":
            with ChatClient(endpoint, clock=clock, sleep=sleep, **options) as client:
                return str(client.invoke("Say hello") if until is None else client.wait_until_ready(until))

        async def run() -> str:
            async with AsyncChatClient(endpoint, clock=clock, sleep=asleep, **options) as client:
                return str(await (client.ainvoke("Say hello") if until is None else client.wait_until_ready(until)))

        return asyncio.run(run())

    return call


def test_an_endpoint_on_its_way_is_waited_for(
    ask: Callable[..., str], workspace: WorkspaceHandle, create_external: Callable[..., str]
) -> None:
    workspace.endpoints.take("slow", seconds=30)
    create_external(workspace, "slow")
    seen: list[Readiness] = []
    assert ask("slow", wait=60, on_poll=lambda verdict, _: seen.append(verdict))
    assert "IN_PROGRESS" in getattr(seen[0], "reason", "")


def test_one_that_stays_pending_is_given_up_with_its_state(
    ask: Callable[..., str], workspace: WorkspaceHandle, create_external: Callable[..., str]
) -> None:
    workspace.endpoints.stick("stuck")
    create_external(workspace, "stuck")
    with pytest.raises(errors.NotReadyError, match="IN_PROGRESS"):
        ask("stuck", wait=60)


def test_a_failed_one_is_told_from_a_pending_one_with_its_own_message(
    ask: Callable[..., str], workspace: WorkspaceHandle, create_external: Callable[..., str]
) -> None:
    workspace.endpoints.fail("broken", message="no quota left")
    create_external(workspace, "broken")
    with pytest.raises(errors.EndpointFailedError, match="no quota left"):
        ask("broken", wait=60)


def test_a_missing_one_is_told_from_a_pending_one(ask: Callable[..., str]) -> None:
    with pytest.raises(errors.EndpointMissingError, match="nowhere"):
        ask("nowhere", wait=60)


def test_without_wait_nobody_looks_at_its_state(
    ask: Callable[..., str], workspace: WorkspaceHandle, endpoint: str
) -> None:
    workspace.requests.clear()
    ask(endpoint)
    assert [request.method for request in workspace.requests] == ["POST"]


def test_a_ready_one_is_looked_at_once(workspace: WorkspaceHandle, endpoint: str) -> None:
    workspace.requests.clear()
    with ChatClient(endpoint, wait=60) as client:
        client.invoke("a")
        client.invoke("b")
    assert [request.method for request in workspace.requests] == ["GET", "POST", "POST"]


def test_a_cold_start_is_waited_out(ask: Callable[..., str], workspace: WorkspaceHandle, endpoint: str) -> None:
    cold = {"match": {"path": "*/invocations"}, "kind": "status", "status": 503, "times": 12}
    workspace.faults.arm([cold])
    with pytest.raises(errors.UnavailableError):
        ask(endpoint, retry_for=10)
    workspace.faults.clear()
    workspace.faults.arm([cold])
    assert ask(endpoint, retry_for=10, wait=300)
    workspace.faults.clear()


def test_a_cold_start_is_no_failure_that_counts_as_a_retry(
    ask: Callable[..., str], workspace: WorkspaceHandle, endpoint: str
) -> None:
    cold = {"match": {"path": "*/invocations"}, "kind": "status", "status": 503, "times": 12}
    workspace.faults.arm([cold])
    assert ask(endpoint, max_retries=0, wait=300)
    workspace.faults.clear()
    workspace.faults.arm([{**cold, "status": 429}])
    with pytest.raises(errors.RateLimitedError):
        ask(endpoint, max_retries=0, wait=300)
    workspace.faults.clear()


def test_a_long_wait_leaves_time_for_what_fails_after_it(
    ask: Callable[..., str], workspace: WorkspaceHandle, create_external: Callable[..., str]
) -> None:
    workspace.endpoints.take("late", seconds=55)
    create_external(workspace, "late")
    workspace.faults.arm(
        [{"match": {"path": "*/invocations"}, "kind": "status", "status": 429, "retry_after": 20, "times": 1}]
    )
    assert ask("late", wait=60, retry_for=30)
    workspace.faults.clear()


@pytest.mark.parametrize(("end", "error"), [("stick", errors.NotReadyError), ("fail", errors.EndpointFailedError)])
def test_an_older_config_that_answers_is_called_but_is_not_what_was_written_last(
    ask: Callable[..., str], workspace: WorkspaceHandle, endpoint: str, end: str, error: type[errors.ChatError]
) -> None:
    getattr(workspace.endpoints, end)(endpoint)
    path = f"/api/2.0/serving-endpoints/{endpoint}"
    config = request(workspace, "GET", path)["config"]
    request(workspace, "PUT", f"{path}/config", {"served_entities": config["served_entities"]})
    assert ask(endpoint, wait=60)
    with pytest.raises(error, match=r"IN_PROGRESS|UPDATE_FAILED"):
        ask(endpoint, until=60)


def test_who_may_not_look_is_told_so_when_waiting_is_all_that_was_asked(
    ask: Callable[..., str], workspace: WorkspaceHandle, endpoint: str
) -> None:
    workspace.faults.arm(
        [{"match": {"method": "GET"}, "kind": "status", "status": 403, "error_code": "PERMISSION_DENIED"}]
    )
    with pytest.raises(errors.PermissionDeniedError):
        ask(endpoint, until=60)
    workspace.faults.clear()


def test_who_may_query_but_not_look_is_not_held_up(
    ask: Callable[..., str], workspace: WorkspaceHandle, endpoint: str
) -> None:
    workspace.faults.arm(
        [{"match": {"method": "GET"}, "kind": "status", "status": 403, "error_code": "PERMISSION_DENIED"}]
    )
    assert ask(endpoint, wait=60)
    workspace.faults.clear()


def test_a_workspace_that_hiccups_while_waiting_is_no_verdict(
    ask: Callable[..., str], workspace: WorkspaceHandle, endpoint: str
) -> None:
    workspace.faults.arm([{"match": {"method": "GET"}, "kind": "status", "status": 503, "times": 2}])
    assert ask(endpoint, wait=60)
    workspace.faults.clear()


def test_wait_until_ready_returns_once_it_is(endpoint: str) -> None:
    with ChatClient(endpoint) as client:
        client.wait_until_ready(5)
    asyncio.run(AsyncChatClient(endpoint).wait_until_ready(5))


@pytest.mark.parametrize("how", ["sync", "async"])
def test_langchains_face_waits_and_says_what_is_wrong_in_its_own_words(
    workspace: WorkspaceHandle, endpoint: str, create_external: Callable[..., str], how: str
) -> None:
    def wait(name: str) -> None:
        model = ChatDatabricks(endpoint=name)
        model.wait_until_ready(0) if how == "sync" else asyncio.run(model.await_until_ready(0))

    workspace.endpoints.stick("stuck")
    workspace.endpoints.fail("broken", message="no quota left")
    for name in ("stuck", "broken"):
        create_external(workspace, name)
    wait(endpoint)
    with pytest.raises(ModelTimeoutError, match="IN_PROGRESS"):
        wait("stuck")
    with pytest.raises(errors.EndpointFailedError, match="no quota left"):
        wait("broken")
    with pytest.raises(ModelNotFoundError):
        wait("nowhere")
    for call in (
        ChatDatabricks(endpoint="broken", wait=5).invoke,
        ChatDatabricks(endpoint="broken").bind(wait=5).invoke,
    ):
        with pytest.raises(errors.EndpointFailedError, match="no quota left"):
            call("hi")
