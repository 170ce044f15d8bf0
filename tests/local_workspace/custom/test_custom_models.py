"""Models of an MLflow registry: loaded when deployed, called by their clients' routes, kept apart.

Each process that loads MLflow costs seconds, so that the tests share one workspace and what it has loaded; what becomes
of processes is shown without MLflow, by test_processes.py.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace import LocalWorkspace

    Deploy = Callable[..., dict[str, Any]]

ENDPOINTS = "/api/2.0/serving-endpoints"
QUESTION = {"messages": [{"role": "user", "content": "Hello there"}]}
KEY = "told-in-confidence"


def classic(api: Any, command: object, *, endpoint: str = "classic") -> Any:  # noqa: ANN401 - JSON
    return api("POST", f"/serving-endpoints/{endpoint}/invocations", {"dataframe_split": {"data": [[command]]}})


@pytest.fixture
def confidant(api: Any, deploy: Deploy) -> str:  # noqa: ANN401 - the folder's `Api`
    """The classic model, with a secret in its environment."""
    api("POST", "/api/2.0/secrets/scopes/create", {"scope": "team"})
    api.ok("POST", "/api/2.0/secrets/put", {"scope": "team", "key": "told", "string_value": KEY})
    deploy("classic", environment_vars={"TOLD": "{{secrets/team/told}}", "PLAIN": "as it is"})
    return "classic"


def test_a_chat_model_is_ready_when_it_is_loaded(deploy: Deploy) -> None:
    endpoint = deploy("parrot", scale_to_zero_enabled=False)
    assert endpoint["state"] == {"ready": "READY", "config_update": "NOT_UPDATING", "suspend": "NOT_SUSPENDED"}
    assert endpoint["task"] == "agent/v1/chat"
    assert endpoint["config"]["served_entities"][0]["state"] == {
        "deployment": "DEPLOYMENT_READY",
        "deployment_state_message": "",
    }


@pytest.mark.parametrize("path", ["/serving-endpoints/parrot/invocations", "/serving-endpoints/chat/completions"])
def test_a_chat_model_answers_whole_and_in_chunks(api: Any, deploy: Deploy, path: str) -> None:  # noqa: ANN401 - `Api`
    deploy("parrot", scale_to_zero_enabled=False)
    body = {**QUESTION, **({"model": "parrot"} if "chat" in path else {})}
    answer = api("POST", path, body)
    assert answer.headers["served-model-name"] == "parrot"
    assert answer.body["choices"][0]["message"]["content"] == "You said: Hello there"
    lines = api("POST", path, {**body, "stream": True}).body.strip().split("\n\n")
    assert lines.pop() == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == "You said: Hello there "


def test_a_responses_agent_answers_by_its_own_route(api: Any, deploy: Deploy) -> None:  # noqa: ANN401 - `Api`
    assert deploy("agent")["task"] == "agent/v1/responses"
    question = {"input": [{"role": "user", "content": "Why?"}], "custom_inputs": {"session": "7"}}
    for path in ("agent/invocations", "responses"):
        body = api.ok("POST", f"/serving-endpoints/{path}", {"model": "agent", **question})
        assert body["output"][0]["content"][0]["text"] == "You asked: Why?"
        assert body["custom_outputs"] == {"session": "7"}
    lines = api("POST", "/serving-endpoints/agent/invocations", {**question, "stream": True}).body
    assert lines.count("response.output_text.delta") == 3
    assert "response.output_item.done" in lines
    wrong = api("POST", "/serving-endpoints/chat/completions", {**QUESTION, "model": "agent"})
    assert wrong.error == (400, "BAD_REQUEST")


@pytest.mark.filterwarnings(
    "ignore:Support for class-based `config` is deprecated:pydantic.warnings.PydanticDeprecatedSince20"
)
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # its sockets end with the garbage collector
@pytest.mark.witness("call-custom-agents", client="databricks-langchain")
@pytest.mark.parametrize(("model", "said"), [("parrot", "You said: Why?"), ("agent", "You asked: Why?")])
def test_databricks_langchain_talks_to_a_chat_model_and_to_an_agent(
    deploy: Deploy, workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch, model: str, said: str
) -> None:
    from databricks_langchain import ChatDatabricks  # noqa: PLC0415 - seconds to import

    deploy(model)
    monkeypatch.setenv("DATABRICKS_HOST", workspace.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", workspace.token)
    chat = ChatDatabricks(model=model, use_responses_api=model == "agent")
    assert chat.invoke("Why?").text == said
    assert "".join(chunk.text for chunk in chat.stream("Why?")).startswith(said)
    chat.client.close()  # it never closes its connections itself


@pytest.mark.witness("call-custom-frames", client="mlflow")
def test_mlflows_client_scores_a_classic_model(
    confidant: str, workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.deployments import get_deploy_client  # noqa: PLC0415 - as above

    monkeypatch.setenv("DATABRICKS_HOST", workspace.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", workspace.token)
    frame = {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}}
    assert get_deploy_client("databricks").predict(endpoint=confidant, inputs=frame) == {"predictions": [3]}


@pytest.mark.witness("call-custom-frames", client="HTTP")
@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}},
        {"dataframe_records": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]},
    ],
)
def test_a_classic_model_takes_data_frames(api: Any, confidant: str, body: dict[str, Any]) -> None:  # noqa: ANN401 - `Api`
    assert api.ok("POST", f"/serving-endpoints/{confidant}/invocations", body) == {"predictions": [3, 7]}


@pytest.mark.witness("call-custom-errors", client="HTTP")
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"rows": [[1]]}, "exactly one of the input fields"),
        ({"dataframe_split": "none"}, "must be a dictionary"),
        ({"inputs": [1], "instances": [1]}, "exactly one of the input fields"),
        ({**QUESTION, "stream": True}, "does not support streaming"),
    ],
)
def test_a_body_that_the_model_does_not_take_is_a_bad_request(
    api: Any,  # noqa: ANN401 - `Api`
    confidant: str,
    body: dict[str, Any],
    said: str,
) -> None:
    answer = api("POST", f"/serving-endpoints/{confidant}/invocations", body)
    assert answer.error == (400, "BAD_REQUEST")
    assert said in answer.body["message"]


def test_what_a_model_raises_is_told_without_the_secrets_it_holds(
    api: Any,  # noqa: ANN401 - `Api`
    confidant: str,
    waits: Callable[[Callable[[], object]], None],
) -> None:
    answer = classic(api, "raise")
    assert answer.error == (400, "BAD_REQUEST")
    assert "a value that is none" in answer.body["stack_trace"]
    assert KEY not in json.dumps(answer.body)

    def logs() -> str:
        printed: str = api.ok("GET", f"{ENDPOINTS}/{confidant}/served-models/classic/logs")["logs"]
        return printed

    waits(lambda: "about to raise with" in logs())  # what a model prints takes a way of its own
    assert KEY not in logs()
    assert classic(api, "exit").error == (400, "BAD_REQUEST")


def test_a_model_sees_its_entitys_variables_and_none_of_ours(registry: str, api: Any, confidant: str) -> None:  # noqa: ANN401 - `Api`
    seen = classic(api, "environment", endpoint=confidant).body["predictions"][0]
    assert (seen["TOLD"], seen["PLAIN"], seen["MLFLOW_TRACKING_URI"]) == (KEY, "as it is", registry)
    assert seen["HOME"] != os.environ["HOME"]
    assert [name for name in seen if name.startswith(("DATABRICKS_", "OPENAI_", "PYTEST_"))] == []


def test_a_call_that_takes_too_much_memory_fails_alone(api: Any, confidant: str) -> None:  # noqa: ANN401 - `Api`
    before = classic(api, "pid", endpoint=confidant).body
    assert "MemoryError" in classic(api, "eat").body["stack_trace"]
    assert classic(api, "pid").body == before
