"""The library's face: what `from provisioning import …` gives, on a real workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

import provisioning
from provisioning.errors import BlockedError, SourcesError
from provisioning.model.events import ChangeDone
from provisioning.runner import Access, Options

if TYPE_CHECKING:
    from local_workspace import LocalWorkspace
    from provisioning.model.workspace import Desired
    from tests.provisioning.conftest import Configs


@pytest.fixture
def access(server: LocalWorkspace) -> Access:
    """An empty workspace, and an environment that holds a key and nothing else."""
    workspace = server.fork()
    return Access(host=workspace.host, token=SecretStr(workspace.token), environ={"OPENAI_API_KEY": "sk-first"})


@pytest.fixture
def desired(configs: Configs) -> Desired:
    return provisioning.load([configs.folder])


def test_plan_apply_and_destroy_return_values(access: Access, desired: Desired) -> None:
    events = []

    planned = provisioning.plan(desired, access=access)
    report = provisioning.apply(desired, access=access, on_event=events.append)
    gone = provisioning.destroy(desired, access=access)

    assert report.plan == planned
    assert report.outcome.done == tuple(each.address for each in events if isinstance(each, ChangeDone))
    assert len(report.outcome.done) == planned.summary.create == 5
    assert gone.plan.summary.delete == 2


def test_review_that_says_no_ends_it_before_anything_is_written(access: Access, desired: Desired) -> None:
    report = provisioning.apply(desired, access=access, review=lambda _: False)

    assert report.outcome is None
    assert provisioning.plan(desired, access=access).summary.create == 5


def test_secrets_come_from_the_environment_that_is_given(access: Access, desired: Desired) -> None:
    bare = Access(host=access.host, token=access.token, environ={})

    with pytest.raises(SourcesError) as caught:
        provisioning.apply(desired, access=bare)

    assert "OPENAI_API_KEY" in caught.value.problems[0].message


def test_guard_is_an_error_with_its_remedy(access: Access, desired: Desired, configs: Configs) -> None:
    provisioning.apply(desired, access=access)
    configs.openai["openai_api_base"] = "https://elsewhere.example.com/v1"
    moved = provisioning.load([configs.write().folder])

    with pytest.raises(BlockedError) as caught:
        provisioning.apply(moved, access=access)
    assert "--allow-widening" in caught.value.remedy
    provisioning.apply(moved, access=access, options=Options(allow_widening=True))


def test_many_resources_are_applied_in_parallel_and_in_order(access: Access, configs: Configs) -> None:
    resources = configs.content["resources"]
    for number in range(12):
        scope = {"name": f"llm-{number}", "secrets": {"key": {"env": "OPENAI_API_KEY"}}}
        model = {"provider": "openai", "name": "gpt-4o", "task": "llm/v1/chat"}
        model["openai_config"] = {"openai_api_key": f"{{{{secrets/llm-{number}/key}}}}"}
        endpoint = {"name": f"chat-{number}", "config": {"served_entities": [{"name": "m", "external_model": model}]}}
        resources["secret_scopes"][f"llm-{number}"] = scope
        resources["model_serving_endpoints"][f"chat-{number}"] = endpoint
    desired = provisioning.load([configs.write().folder])

    report = provisioning.apply(desired, access=access)

    done = list(report.outcome.done)
    assert len(done) == len(report.plan.changes)
    for number in range(12):
        assert done.index(f"secret_scopes.llm-{number}") < done.index(f"model_serving_endpoints.chat-{number}")
    assert provisioning.plan(desired, access=access).changes == ()
