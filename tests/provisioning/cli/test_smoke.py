"""READY does not prove that a provider takes the key: one call does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision, Writes

pytestmark = pytest.mark.usefixtures("workspace")

CALL = "POST /serving-endpoints/chat/invocations"


def serve(configs: Configs, *, task: str, model: str) -> None:
    configs.endpoint["config"]["served_entities"][0]["external_model"] |= {"task": task, "name": model}
    configs.write()


@pytest.mark.parametrize(
    ("task", "model", "field"),
    [
        ("llm/v1/chat", "gpt-4o", "messages"),
        ("llm/v1/completions", "gpt-3.5-turbo-instruct", "prompt"),
        ("llm/v1/embeddings", "text-embedding-3-small", "input"),
    ],
)
def test_call_fits_the_task(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, *, task: str, model: str, field: str
) -> None:
    serve(configs, task=task, model=model)

    result = provision("apply", configs, "--yes", "--smoke-test")

    assert result.code == 0, result.err
    assert "model_serving_endpoints.chat: answered a call" in result.err
    assert "16 tokens at most" in result.out
    [call] = [each for each in workspace.requests if each.path.endswith("/invocations")]
    assert field in call.body


def test_endpoint_that_did_not_change_is_not_called(configs: Configs, provision: Provision, writes: Writes) -> None:
    provision("apply", configs, "--yes")
    writes()

    assert provision("apply", configs, "--yes", "--smoke-test").code == 0
    assert writes() == []


def test_key_that_the_provider_refuses_fails_the_apply(
    configs: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-invalid-key")

    result = provision("apply", configs, "--yes", "--smoke-test")

    assert result.code == 5
    assert "it is ready and does not answer" in result.err
    assert "sk-invalid-key" not in result.err + result.out


def test_config_that_does_not_answer_gives_way_to_the_one_before(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    provision("apply", configs, "--yes")
    serve(configs, task="llm/v1/chat", model="gpt-4.1")
    match = {"method": "POST", "path": "/serving-endpoints/chat/invocations"}
    workspace.faults.arm([{"match": match, "kind": "status", "status": 400, "message": "no such model", "times": None}])

    result = provision("apply", configs, "--yes", "--smoke-test", "--rollback")

    assert result.code == 5
    assert "its previous config serves again" in result.err
    [entity] = client.serving_endpoints.get("chat").config.served_entities  # type: ignore[union-attr] # it has one
    assert entity.external_model is not None
    assert entity.external_model.name == "gpt-4o"
    # the config is still what is wanted: the next run tries again
    assert provision("plan", configs, "--detailed-exitcode").code == 2


def test_new_endpoint_has_nothing_to_go_back_to_and_the_plan_says_so(configs: Configs, provision: Provision) -> None:
    result = provision("apply", configs, "--yes", "--smoke-test", "--rollback")

    assert "there is no config to go back to" in result.out


def test_wait_can_call_too(configs: Configs, provision: Provision, writes: Writes) -> None:
    provision("apply", configs, "--yes", "--no-wait")
    writes()

    assert provision("wait", configs, "--smoke").code == 0
    assert writes() == [CALL]


@pytest.mark.parametrize("flags", [["--rollback"], ["--smoke-test", "--no-wait"]])
def test_flags_that_make_no_sense_alone_are_refused(configs: Configs, provision: Provision, flags: list[str]) -> None:
    assert provision("apply", configs, "--yes", *flags).code == 1


def test_model_that_counts_its_tokens_otherwise_is_asked_again(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    match = {"method": "POST", "path": "/serving-endpoints/chat/invocations"}
    refusal = "Unsupported parameter: 'max_tokens' is not supported with this model."
    workspace.faults.arm([{"match": match, "kind": "status", "status": 400, "message": refusal}])

    result = provision("apply", configs, "--yes", "--smoke-test")

    assert result.code == 0, result.err
