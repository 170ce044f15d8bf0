"""READY does not prove that a provider takes the key: one call does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from requests import Response

from provisioning.errors import WorkspaceError
from provisioning.workspace.concealment import Concealment
from provisioning.workspace.invocations import explain

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
    assert "it is ready and does not answer: HTTP 401: Received error from openai: Incorrect API key" in result.err
    assert "help: the provider refuses the key" in result.err
    assert "sk-invalid" not in result.err + result.out


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


@pytest.mark.parametrize(
    ("status", "said", "shown", "advice"),
    [
        (404, {"error": {"message": "The model `gpt-9` does not exist"}}, "The model `gpt-9` does not", "name"),
        (403, {"message": "not for \x1b]0;you\x07"}, "not for \\u{1b}]0;you", "lacks a right"),
        (429, {"error": "quota exceeded"}, "quota exceeded", "quota"),
        (401, {"error": {"message": "Incorrect: sk-fi****st."}}, "Incorrect: (secret)", "refuses the key"),
        (502, {"odd": ["shape"]}, '{"odd": ["shape"]}', "cannot be reached"),
    ],
)
def test_what_the_provider_said_is_shown_with_what_to_do_next(
    status: int, said: dict[str, object], shown: str, advice: str
) -> None:
    answer = Response()
    answer.status_code = status
    answer._content = json.dumps({"error": "Received error from openai", "external_model_message": said}).encode()
    error = WorkspaceError("Received error from openai", call="POST /x", subject="model_serving_endpoints.chat")

    explained = explain(error, answer, Concealment())

    assert f"HTTP {status}: Received error from openai: {shown}" in str(explained)
    assert "sk-fi" not in str(explained)
    assert advice in str(explained.remedy)


def test_workspace_that_refuses_the_call_itself_is_not_taken_for_the_provider(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    match = {"method": "POST", "path": "/serving-endpoints/chat/invocations"}
    workspace.faults.arm([{"match": match, "kind": "status", "status": 403, "message": "no CAN_QUERY", "times": None}])

    result = provision("apply", configs, "--yes", "--smoke-test")

    assert result.code == 5
    assert "HTTP 403: no CAN_QUERY" in result.err
    assert "rights on the object" in result.err
