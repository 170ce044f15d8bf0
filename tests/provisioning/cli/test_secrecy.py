"""A server, a proxy or a provider that repeats what it was sent must not carry a secret into our output."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision

SECRET = 'sk-"never"/shown+\nsecond line that is secret too'


def repeating(workspace: WorkspaceHandle, path: str, message: str, *, offset: int = 0) -> None:
    fault = {
        "match": {"method": "POST", "path": path}, "kind": "status", "offset": offset, "status": 400, "times": None,
        "error_code": "INVALID_PARAMETER_VALUE", "message": message,
    }  # fmt: skip
    workspace.faults.arm([fault])


@pytest.mark.parametrize(
    "repeated",
    [
        str,
        lambda value: json.dumps({"string_value": value}),
        repr,
        quote,
        lambda value: base64.b64encode(value.encode()).decode(),
        lambda value: value.splitlines()[1],
        lambda value: "x" * 590 + value,
    ],
)
def test_value_that_the_server_repeats_in_whatever_form_is_concealed(
    workspace: WorkspaceHandle,
    configs: Configs,
    provision: Provision,
    monkeypatch: pytest.MonkeyPatch,
    repeated: Callable[[str], str],
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    repeating(workspace, "/api/2.0/secrets/put", f"bad value {repeated(SECRET)}", offset=1)

    result = provision("apply", configs, "--yes", "--format", "json")

    assert result.code == 5
    assert "bad value" in result.err
    assert "never" not in result.err + result.out
    assert "second line" not in result.err + result.out
    assert "c2stIm5ldmVyIi9zaG93b" not in result.err + result.out


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_value_that_an_earlier_run_sent_is_concealed_too(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, command: str
) -> None:
    configs.openai["openai_api_key_plaintext"] = "sk-in-the-clear"
    del configs.openai["openai_api_key"]
    configs.write()
    match = {"method": "GET", "path": "/api/2.0/serving-endpoints/chat"}
    workspace.faults.arm([{"match": match, "kind": "status", "status": 500, "message": "sk-first, sk-in-the-clear"}])

    result = provision(command, configs)

    assert result.code == 1
    assert "(secret), (secret)" in result.err


def test_value_of_a_source_that_a_run_does_not_read_is_concealed_too(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs.scope["secrets"]["other"] = {"env": "OTHER_KEY"}
    monkeypatch.setenv("OTHER_KEY", "sk-of-another")
    assert provision("apply", configs.write(), "--yes").code == 0
    match = {"method": "GET", "path": "/api/2.0/serving-endpoints/chat"}
    workspace.faults.arm([{"match": match, "kind": "status", "status": 500, "message": "known: sk-of-another"}])

    result = provision("rotate", "llm/openai-key", configs, "--yes")

    assert result.code == 1
    assert "known: (secret)" in result.err


@pytest.mark.parametrize("path", ["/api/2.0/serving-endpoints"])
def test_plaintext_credential_that_the_server_repeats_is_concealed(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, path: str
) -> None:
    del configs.openai["openai_api_key"]
    configs.openai["openai_api_key_plaintext"] = "sk-in-the-clear"
    configs.write()
    repeating(workspace, path, "cannot parse {key: sk-in-the-clear}")

    result = provision("apply", configs, "--yes", "--format", "json")

    assert result.code == 5
    assert "cannot parse" in result.err
    assert "sk-in-the-clear" not in result.err + result.out
