"""Gemini's API as its wire has it, pay per token and at Google; `tests/clients` has the client's view of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from tests.local_workspace.conftest import Api

MODELS = "/serving-endpoints/gemini/v1beta/models"
GEMINI = f"{MODELS}/databricks-gemini-2-5-pro"
HELLO: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Say hello"}]}]}


def served_by(api: Api, name: str, model: dict[str, Any]) -> None:
    config = {"served_entities": [{"name": "entity", "external_model": model}]}
    api.ok("POST", "/api/2.0/serving-endpoints", {"name": name, "config": config})
    api.ok("POST", "/_local/clock", {"advance": 60})


def at_google(email: str) -> dict[str, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {"type": "service_account", "client_email": email, "private_key": pem, "private_key_id": "1"}
    place = {"project_id": "project", "region": "europe-west1", "private_key_plaintext": json.dumps(account)}
    provider = "google-cloud-vertex-ai"
    return {
        "provider": provider,
        "name": "gemini-2.5-pro",
        "task": "llm/v1/chat",
        "google_cloud_vertex_ai_config": place,
    }


@pytest.mark.witness("call-gemini", client="HTTP")
def test_a_stream_is_of_data_lines_and_its_last_says_why_it_ended(api: Api) -> None:
    answer = api("POST", f"{GEMINI}:streamGenerateContent", HELLO, query={"alt": "sse"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["served-model-name"] == "databricks-gemini-2-5-pro"
    *pieces, last = [json.loads(line.removeprefix("data: ")) for line in answer.body.split("\n\n") if line]
    assert "".join(each["candidates"][0]["content"]["parts"][0]["text"] for each in pieces) == "hello"
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert last["usageMetadata"]["candidatesTokenCount"] == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{GEMINI}:generateContent", {"messages": []}, 400),
        (f"{GEMINI}:generateContent", {"contents": []}, 400),
        (f"{GEMINI}:countTokens", HELLO, 404),
        (f"{MODELS}/databricks-claude-sonnet-4:generateContent", HELLO, 400),
        (f"{MODELS}/nowhere:generateContent", HELLO, 404),
    ],
)
def test_what_it_does_not_take_is_refused(api: Api, path: str, body: dict[str, Any], status: int) -> None:
    assert api("POST", path, body).status == status


@pytest.mark.parametrize("action", ["generateContent", "streamGenerateContent"])
def test_an_external_model_at_google_gets_the_call_as_it_is(api: Api, action: str) -> None:
    served_by(api, "mine", at_google("robot@project.iam.gserviceaccount.com"))
    answer = api("POST", f"{MODELS}/mine:{action}", HELLO)
    assert answer.status == 200, answer
    assert answer.headers["served-model-name"] == "entity"
    whole = (
        answer.body if action == "generateContent" else json.loads(answer.body.split("\n\n")[0].removeprefix("data: "))
    )
    assert whole["candidates"][0]["content"]["parts"] == [{"text": "hello"}]
    assert whole["modelVersion"] == "gemini-2.5-pro"


def test_googles_refusal_passes_with_its_status(api: Api) -> None:
    served_by(api, "mine", at_google("invalid@project"))
    answer = api("POST", f"{MODELS}/mine:generateContent", HELLO)
    assert answer.status == 401
    assert answer.body["error"] == "Received error from google-cloud-vertex-ai"


def test_an_external_model_elsewhere_does_not_speak_it(api: Api) -> None:
    openai = {"openai_api_key_plaintext": "sk-good"}
    served_by(api, "gpt", {"provider": "openai", "name": "gpt", "task": "llm/v1/chat", "openai_config": openai})
    answer = api("POST", f"{MODELS}/gpt:generateContent", HELLO)
    assert answer.error == (400, "BAD_REQUEST")
    assert "does not serve Gemini" in answer.body["message"]
