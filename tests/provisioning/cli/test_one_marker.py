"""Applies at once that write one scope's marker: what any of them put stays the set's, and is pruned when it may be."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import provisioning
from provisioning import Options
from provisioning.model.events import EndpointReady
from provisioning.model.ownership import is_marker
from provisioning.model.plan import Operation
from tests.provisioning.cli.meanwhile import access, before, outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from provisioning.model.api_call import ApiCall
    from provisioning.model.events import Event
    from provisioning.model.workspace import Desired
    from tests.provisioning.conftest import Configs

pytestmark = pytest.mark.usefixtures("workspace")

LIST = "/api/2.0/secrets/list"
GET = "/api/2.0/secrets/get"


@pytest.fixture
def versions(configs: Configs) -> tuple[Desired, Desired]:
    """The configs, and the same with one secret more."""
    return provisioning.load([configs.folder]), with_another(configs, "other")


def with_another(configs: Configs, key: str) -> Desired:
    configs.scope["secrets"][key] = {"env": "OPENAI_API_KEY"}
    loaded = provisioning.load([configs.write().folder])
    del configs.scope["secrets"][key]
    return loaded


def prune(
    desired: Desired,
    on_event: Callable[[Event], None] = lambda _event: None,
    on_call: Callable[[ApiCall], None] = lambda _call: None,
) -> None:
    pruning = replace(access(), on_call=on_call)
    provisioning.apply(desired, access=pruning, options=Options(prune=True), on_event=on_event)


def keys(client: WorkspaceClient) -> set[str]:
    return {str(each.key) for each in client.secrets.list_secrets("llm") if not is_marker(each.key or "")}


def test_key_that_another_apply_took_out_of_the_marker_is_ours_again(
    versions: tuple[Desired, Desired], client: WorkspaceClient
) -> None:
    """It read the marker before this apply recorded the key, and wrote it afterwards."""
    without, ours = versions

    def meanwhile() -> None:
        [marker] = [each.key for each in client.secrets.list_secrets("llm") if is_marker(each.key or "")]
        held = json.loads(base64.b64decode(client.secrets.get_secret("llm", str(marker)).value or ""))
        del held["keys"]["other"]
        client.secrets.put_secret("llm", str(marker), string_value=json.dumps(held))

    assert outcome(ours, before(Operation.WAIT_READY, meanwhile)) == ""
    prune(without)

    assert keys(client) == {"openai-key"}


def test_key_that_another_apply_puts_again_while_this_one_deletes_it_stays_ours(
    versions: tuple[Desired, Desired], client: WorkspaceClient
) -> None:
    ours, theirs = versions
    assert outcome(theirs) == ""

    prune(ours, before(Operation.RECORD_SECRETS, lambda: outcome(theirs)))
    assert keys(client) == {"openai-key", "other"}
    prune(ours)

    assert keys(client) == {"openai-key"}


def test_key_that_another_apply_puts_while_this_one_forgets_what_it_deleted_stays_ours(
    configs: Configs, versions: tuple[Desired, Desired], client: WorkspaceClient
) -> None:
    ours, before_it = versions
    theirs = with_another(configs, "new")
    assert outcome(before_it) == ""
    recording = threading.Event()

    def at_the_list(call: ApiCall) -> None:
        if recording.is_set() and call.path == LIST:
            recording.clear()
            assert outcome(theirs) == ""

    prune(ours, before(Operation.RECORD_SECRETS, recording.set), at_the_list)
    assert keys(client) == {"openai-key", "new"}
    prune(ours)

    assert keys(client) == {"openai-key"}


@pytest.mark.parametrize("readable", [True, False], ids=["readable", "unreadable"])
@pytest.mark.parametrize("at", [Operation.CREATE_SCOPE, Operation.PUT_MARKER])
def test_marker_of_another_apply_that_found_no_scope_either_is_not_written_over(
    versions: tuple[Desired, Desired],
    workspace: WorkspaceHandle,
    client: WorkspaceClient,
    at: Operation,
    *,
    readable: bool,
) -> None:
    ours, theirs = versions

    def meanwhile() -> None:
        assert outcome(theirs) == ""
        if not readable:
            refusal = {"kind": "status", "status": 403, "error_code": "PERMISSION_DENIED", "times": None}
            workspace.faults.arm([{"match": {"method": "GET", "path": GET}, **refusal}])

    outcome(ours, before(at, meanwhile))
    workspace.faults.clear()
    assert keys(client) == {"openai-key", "other"}
    prune(ours)

    assert keys(client) == {"openai-key"}


def test_ctrl_c_during_the_last_look_at_the_marker_leaves_nothing_to_apply(versions: tuple[Desired, Desired]) -> None:
    ready, stop = threading.Event(), threading.Event()

    def on_event(event: Event) -> None:
        if isinstance(event, EndpointReady):
            ready.set()

    def on_call(call: ApiCall) -> None:
        if ready.is_set() and call.path == GET:
            stop.set()

    report = provisioning.apply(versions[0], access=replace(access(), on_call=on_call), on_event=on_event, stop=stop)

    assert stop.is_set()
    assert not report.outcome.interrupted
