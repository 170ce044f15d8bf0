from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_mock import MockerFixture

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["apply", "--bogus"],
        ["apply", "does/not/exist"],
        ["plan", "--format", "xml"],
        ["apply", "--timeout", "soon"],
        ["apply", "--timeout", "-1"],
        ["apply", "--state", "x"],
        ["apply", "--var", "novalue"],
    ],
)
def test_bad_flags_end_with_1_and_a_sentence(provision: Provision, configs: Configs, arguments: list[str]) -> None:
    at = [] if "does/not/exist" in arguments else [configs]

    result = provision(*arguments, *at)

    assert result.code == 1
    assert result.err
    assert "Traceback" not in result.err
    assert result.out == ""


def test_three_mistakes_are_told_in_one_run_each_with_its_place(
    provision: Provision, configs: Configs, workspace: WorkspaceHandle
) -> None:
    configs.endpoint["nam"] = configs.endpoint.pop("name")
    configs.endpoint["permissions"][0]["level"] = "VIEW"
    configs.openai["openai_api_key"] = "sk-pasted-in"
    configs.write()

    result = provision("apply", configs, "--yes")

    assert result.code == 1
    assert result.err.count(f"{configs}/databricks.yml:") >= 3
    assert "sk-pasted-in" not in result.err
    assert list(workspace.requests) == []


def test_validate_asks_no_workspace(provision: Provision, configs: Configs, workspace: WorkspaceHandle) -> None:
    result = provision("validate", configs)

    assert result.code == 0
    assert "1 secret scope and 1 endpoint are valid" in result.out
    assert list(workspace.requests) == []


def test_validate_reports_mistakes_as_json_on_stdout(provision: Provision, configs: Configs) -> None:
    configs.endpoint["bogus"] = 1
    configs.write()

    result = provision("validate", configs, "--format", "json")

    assert result.code == 1
    assert json.loads(result.out)["diagnostics"]


@pytest.mark.usefixtures("workspace")
def test_bad_token_is_one_sentence(provision: Provision, configs: Configs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-wrong")

    result = provision("plan", configs)

    assert result.code == 1
    assert "check the token" in result.err
    assert "dapi-wrong" not in result.err


@pytest.mark.usefixtures("workspace")
def test_no_token_is_one_sentence(provision: Provision, configs: Configs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_TOKEN")

    result = provision("plan", configs)

    assert result.code == 1
    assert "no credential for" in result.err


@pytest.mark.usefixtures("workspace")
def test_login_of_another_kind_in_the_environment_is_told_with_the_way_to_choose(
    provision: Provision, configs: Configs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARM_CLIENT_SECRET", "azures")

    result = provision("plan", configs)

    assert result.code == 1
    assert "more than one authorization method configured: azure and pat" in result.err
    assert "DATABRICKS_AUTH_TYPE=pat" in result.err
    assert "azures" not in result.err
    monkeypatch.setenv("DATABRICKS_AUTH_TYPE", "pat")
    assert provision("plan", configs).code == 0


def test_host_that_nobody_answers_at_is_one_sentence(
    provision: Provision, configs: Configs, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    mocker.patch("provisioning.workspace.gate.sleep")
    mocker.patch("provisioning.workspace.client.FIRST_CONTACT_SECONDS", 1)
    monkeypatch.setenv("DATABRICKS_HOST", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-x")

    result = provision("plan", configs)

    assert result.code == 1
    assert "no answer" in result.err
    assert "refused" in result.err.lower()


class LoginPage(BaseHTTPRequestHandler):
    """Answers everything as a company's proxy would."""

    body = b"<html><title>\x1b]52;c;evil\x07Sign in</title></html>"
    status = 200

    def do_GET(self) -> None:
        body = self.body
        self.send_response(self.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def login_page() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), LoginPage)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_login_page_in_place_of_an_answer_is_one_sentence(
    provision: Provision, configs: Configs, monkeypatch: pytest.MonkeyPatch, login_page: str
) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", login_page)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-x")

    result = provision("plan", configs)

    assert result.code == 1
    assert "not JSON" in result.err
    assert "\x1b" not in result.err


@pytest.mark.parametrize(
    ("answer", "said"),
    [((200, b"7"), "not JSON"), ((200, b"[" * 100_000), "not JSON"), ((307, b""), "the host sends us elsewhere")],
)
def test_host_that_is_no_workspace_is_one_sentence(
    *,
    provision: Provision,
    configs: Configs,
    monkeypatch: pytest.MonkeyPatch,
    login_page: str,
    answer: tuple[int, bytes],
    said: str,
) -> None:
    monkeypatch.setattr(LoginPage, "status", answer[0])
    monkeypatch.setattr(LoginPage, "body", answer[1])
    monkeypatch.setenv("DATABRICKS_HOST", login_page)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-x")

    result = provision("plan", configs)

    assert result.code == 1
    assert said in result.err


def test_host_that_takes_its_time_is_named_meanwhile(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioning.cli.terminal.PATIENCE", 0.0)
    match = {"method": "GET", "path": "/api/2.0/preview/scim/v2/Me"}
    workspace.faults.arm([{"match": match, "kind": "latency", "ms": 200}])

    result = provision("plan", configs)

    assert f"{workspace.host} has not answered yet" in result.err


@pytest.mark.usefixtures("workspace")
def test_wait_for_an_endpoint_that_is_not_there_says_who_makes_it(
    configs: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioning.readiness.MISSING_GRACE", 0.0)

    result = provision("wait", configs)

    assert result.code == 1
    assert "Ready: nothing. Not ready: model_serving_endpoints.chat" in result.err
    assert "`apply` makes it" in result.err
