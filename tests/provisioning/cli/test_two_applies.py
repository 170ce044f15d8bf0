"""Two applies with different values at once: no record says of one value that it is the other."""

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

import provisioning
from provisioning.errors import UnfinishedError
from provisioning.model.ownership import is_marker
from provisioning.model.plan import Operation
from tests.provisioning.cli.meanwhile import access, before

if TYPE_CHECKING:
    from collections.abc import Callable

    from databricks.sdk import WorkspaceClient

    from provisioning.model.events import Event
    from tests.provisioning.conftest import Configs

pytestmark = pytest.mark.usefixtures("workspace")

ADDRESS = "secret_scopes.llm/secrets.openai-key"


def apply(configs: Configs, value: str, on_event: Callable[[Event], None] = lambda _event: None) -> str:
    """Apply with a value; return what went wrong."""
    try:
        provisioning.apply(provisioning.load([configs.folder]), access=access(value), on_event=on_event)
    except UnfinishedError as error:
        return str(error)
    return ""


def taken_for(configs: Configs) -> set[str]:
    """Return the values of which a plan says that they are in place."""
    desired = provisioning.load([configs.folder])
    plans = {value: provisioning.plan(desired, access=access(value)) for value in ("sk-first", "sk-a", "sk-b")}
    return {value for value, made in plans.items() if ADDRESS in made.unchanged}


def held(client: WorkspaceClient) -> str:
    return base64.b64decode(client.secrets.get_secret("llm", "openai-key").value or "").decode()


def test_other_apply_that_came_and_went_before_the_record_is_noticed(placed: Configs, client: WorkspaceClient) -> None:
    said = apply(placed, "sk-a", before(Operation.RECORD_SECRETS, lambda: apply(placed, "sk-b")))

    assert "another apply put another value at the same time" in said
    assert held(client) == "sk-a"  # put once more, so that nobody vouches for the time of the last write
    assert taken_for(placed) == set()
    assert apply(placed, "sk-a") == ""
    assert (held(client), taken_for(placed)) == ("sk-a", {"sk-a"})


def test_other_apply_that_came_and_went_before_the_write_is_overwritten(
    placed: Configs, client: WorkspaceClient
) -> None:
    said = apply(placed, "sk-a", before(Operation.PUT_SECRET, lambda: apply(placed, "sk-b")))

    assert said == ""
    assert (held(client), taken_for(placed)) == ("sk-a", {"sk-a"})


def test_apply_that_records_last_takes_back_what_the_other_vouched_for(
    placed: Configs, client: WorkspaceClient
) -> None:
    b_has_put, a_is_done = threading.Event(), threading.Event()

    def b_before_its_record() -> None:
        b_has_put.set()
        a_is_done.wait(timeout=20)

    with ThreadPoolExecutor() as pool:
        others = []

        def a_before_its_record() -> None:
            others.append(pool.submit(apply, placed, "sk-b", before(Operation.RECORD_SECRETS, b_before_its_record)))
            b_has_put.wait(timeout=20)

        apply(placed, "sk-a", before(Operation.RECORD_SECRETS, a_before_its_record))
        a_is_done.set()
        said = others[0].result(timeout=20)

    assert "another apply put another value at the same time" in said
    assert held(client) == "sk-b"
    assert taken_for(placed) == set()


def test_announcement_that_a_third_apply_took_away_is_missed(placed: Configs, client: WorkspaceClient) -> None:
    """It read the marker before the other apply announced its value, and wrote it after that one was through."""
    [marker] = [each.key for each in client.secrets.list_secrets("llm") if is_marker(each.key or "")]

    def meanwhile() -> None:
        announced = json.loads(base64.b64decode(client.secrets.get_secret("llm", str(marker)).value or ""))
        assert apply(placed, "sk-b") == ""
        stale = {**announced, "announced": {**announced["announced"], "another-key": "00"}, "writer": "a-third"}
        client.secrets.put_secret("llm", str(marker), string_value=json.dumps(stale))

    said = apply(placed, "sk-a", before(Operation.RECORD_SECRETS, meanwhile))

    assert "another apply put another value at the same time" in said
    assert taken_for(placed) <= {held(client)}
    assert apply(placed, "sk-b") == ""
    assert taken_for(placed) == {"sk-b"}


def test_same_value_from_two_applies_at_once_is_no_conflict(placed: Configs, client: WorkspaceClient) -> None:
    said = apply(placed, "sk-a", before(Operation.RECORD_SECRETS, lambda: apply(placed, "sk-a")))

    assert said == ""
    assert (held(client), taken_for(placed)) == ("sk-a", {"sk-a"})
