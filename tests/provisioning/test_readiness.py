from __future__ import annotations

import subprocess
import sys

import pytest

from provisioning.readiness import (
    MISSING_GRACE,
    EndpointFailedError,
    EndpointMissingError,
    Failed,
    NotReadyInTimeError,
    Pending,
    Ready,
    classify,
    wait_until_ready,
    wait_until_ready_async,
)

Json = dict[str, object]

ENTITY = {"name": "gpt", "state": {"deployment": "DEPLOYMENT_CREATING", "deployment_state_message": "pulling"}}
FAILED = {"name": "gpt", "state": {"deployment": "DEPLOYMENT_FAILED", "deployment_state_message": "no quota"}}


def endpoint(ready: str, update: str, *, config: Json | None = None, pending: Json | None = None) -> Json:
    body = {"state": {"ready": ready, "config_update": update}}
    return body | ({"config": config} if config else {}) | ({"pending_config": pending} if pending else {})


READY = endpoint("READY", "NOT_UPDATING", config={"served_entities": [{"name": "gpt"}], "config_version": "3"})
UNDERWAY = endpoint("NOT_READY", "IN_PROGRESS", pending={"served_entities": [ENTITY]})


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (None, Pending("not found yet", missing=True)),
        ({}, Pending("no state reported")),
        (READY, Ready(config_version=3)),
        (endpoint("NOT_READY", "NOT_UPDATING"), Ready(without_config=True)),
        (UNDERWAY, Pending("config_update=IN_PROGRESS, ready=NOT_READY, gpt: DEPLOYMENT_CREATING - pulling")),
        (
            endpoint(
                "READY",
                "UPDATE_FAILED",
                config={"served_entities": [{"name": "old"}]},
                pending={"served_entities": [FAILED]},
            ),
            Failed("config_update=UPDATE_FAILED, ready=READY, gpt: DEPLOYMENT_FAILED - no quota"),
        ),
        (endpoint("NOT_READY", "UPDATE_CANCELED"), Failed("config_update=UPDATE_CANCELED, ready=NOT_READY")),
        (
            endpoint("NOT_READY", "NOT_UPDATING", config={"served_models": [FAILED]}),
            Failed("ready=NOT_READY, gpt: DEPLOYMENT_FAILED - no quota"),
        ),
        (
            endpoint("NOT_READY", "NOT_UPDATING", config={"served_entities": [ENTITY]}),
            Pending("ready=NOT_READY, gpt: DEPLOYMENT_CREATING - pulling"),
        ),
    ],
)
def test_state_is_judged(body: Json, seen: object) -> None:
    assert classify(body) == seen


def test_wait_ends_as_soon_as_it_is_ready() -> None:
    clock, answers, polled = Clock(), [None, UNDERWAY, READY], []

    ready = wait_until_ready(
        lambda: answers.pop(0), "chat", on_poll=lambda *seen: polled.append(seen), clock=clock, sleep=clock.sleep
    )

    assert ready == Ready(config_version=3)
    assert answers == []
    assert [elapsed for _, elapsed in polled] == [0.0, 0.5, 1.25]


async def test_async_wait_does_the_same() -> None:
    clock, answers = Clock(), [UNDERWAY, READY]

    async def read() -> Json:
        return answers.pop(0)

    assert await wait_until_ready_async(read, "chat", clock=clock, sleep=clock.sleep_async) == Ready(config_version=3)


def test_wait_gives_up_on_time_and_says_what_it_saw() -> None:
    clock = Clock()

    with pytest.raises(NotReadyInTimeError, match="IN_PROGRESS"):
        wait_until_ready(lambda: UNDERWAY, "chat", timeout=60.0, clock=clock, sleep=clock.sleep)

    assert clock.now == 60.0


def test_failure_ends_the_wait_with_the_entitys_message() -> None:
    failed = endpoint("NOT_READY", "UPDATE_FAILED", pending={"served_entities": [FAILED]})

    with pytest.raises(EndpointFailedError, match="no quota"):
        wait_until_ready(lambda: failed, "chat", sleep=Clock().sleep)


def test_endpoint_that_does_not_appear_is_missing_after_the_grace() -> None:
    clock = Clock()

    with pytest.raises(EndpointMissingError):
        wait_until_ready(lambda: None, "chat", clock=clock, sleep=clock.sleep)

    assert MISSING_GRACE <= clock.now < MISSING_GRACE * 2


def test_what_the_read_raises_is_passed_on() -> None:
    def read() -> Json:
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        wait_until_ready(read, "chat", sleep=Clock().sleep)


def test_importing_it_loads_neither_tenacity_nor_the_sdk() -> None:
    code = (
        "import sys, provisioning.readiness;"
        "sys.exit(any(each in sys.modules for each in ('tenacity', 'databricks', 'pydantic')))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
