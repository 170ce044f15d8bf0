"""Every way to log in that can be played on loopback, each by a whole call of a client."""

from __future__ import annotations

import asyncio
import http.server
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.environments import ALL_ENVS, Cloud

from chat import AsyncChatClient, ChatClient, errors
from chat.auth import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local_workspace import LocalWorkspace
    from local_workspace.local import WorkspaceHandle

ISSUED = "oauth-issued-"
OK = {"choices": [{"index": 0, "message": {"content": "hello"}, "finish_reason": "stop"}]}


class Issuer:
    """A workspace that issues tokens by any grant, takes those tokens alone, and is a metadata service as well."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.logins: list[str] = []
        self.callers: list[str] = []
        self.tokens = 0
        self.status = 200
        self.expires_in = 3600
        self.accepted = lambda token: token == f"{ISSUED}{self.tokens}"
        handler = type("Handler", (_Handler,), {"issuer": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.host = f"http://127.0.0.1:{self._server.server_port}"

    def issue(self) -> dict[str, object]:
        self.tokens += 1
        return {"access_token": f"{ISSUED}{self.tokens}", "token_type": "Bearer", "expires_in": self.expires_in}

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256  # a hundred clients connect at once; over the default of five, a kernel drops them


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    issuer: Issuer

    def do_GET(self) -> None:
        issuer = self.issuer
        if self.path.startswith("/metadata"):
            issuer.logins.append(self.headers["X-Databricks-Host"])
            self._answer(200, {**issuer.issue(), "expires_on": 4102444800})
        elif self.path.startswith("/oidc/"):
            endpoints = {"authorization_endpoint": f"{issuer.host}/oidc/v1/authorize"}
            self._answer(200, {**endpoints, "token_endpoint": f"{issuer.host}/oidc/v1/token"})
        elif self.path.startswith("/.well-known/databricks-config"):
            self._answer(200, {"oidc_endpoint": f"{issuer.host}/oidc", "workspace_id": "1", "account_id": "a"})
        else:  # GitHub's own issuer of identity tokens
            issuer.logins.append(self.headers["Authorization"])
            self._answer(200, {"value": "a-github-identity", "count": 1})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        issuer = self.issuer
        if self.path == "/oidc/v1/token":
            issuer.forms.append(dict(parse_qsl(body.decode())))
            issuer.logins.append(self.headers["Authorization"] or "")
            told = {"error": "invalid_client", "error_description": f"no {body.decode()}"}
            self._answer(issuer.status, issuer.issue() if issuer.status == 200 else told)
            return
        token = self.headers["Authorization"].removeprefix("Bearer ")
        issuer.callers.append(token)
        accepted = issuer.accepted(token)
        self._answer(200 if accepted else 401, OK if accepted else {"error_code": 401, "message": "expired"})

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, told: object) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Callable[..., str]:
    """One call by either client."""

    def call(**options: Any) -> str:  # noqa: ANN401 - any option of a client
        if request.param == "sync":
            with ChatClient("my-chat", **options) as client:
                return str(client.invoke("hi"))

        async def run() -> str:
            async with AsyncChatClient("my-chat", **options) as client:
                return str(await client.ainvoke("hi"))

        return asyncio.run(run())

    return call


def named(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


MACHINE = {"DATABRICKS_CLIENT_ID": "an-application", "DATABRICKS_CLIENT_SECRET": "dose-secret"}


def test_a_service_principal_logs_in_once_for_many_calls(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, DATABRICKS_HOST=issuer.host, **MACHINE)
    with ChatClient("my-chat") as client, ThreadPoolExecutor(8) as pool:
        assert {str(answer) for answer in pool.map(client.invoke, ["hi"] * 24)} == {"hello"}
    assert issuer.forms == [{"grant_type": "client_credentials", "scope": "all-apis"}]
    assert issuer.logins[0].startswith("Basic ")


def test_many_async_calls_log_in_once(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, DATABRICKS_HOST=issuer.host, **MACHINE)

    async def run() -> None:
        async with AsyncChatClient("my-chat") as client:
            await asyncio.gather(*(client.ainvoke("hi") for _ in range(24)))

    asyncio.run(run())
    assert len(issuer.forms) == 1


def test_a_service_principals_token_is_renewed_before_it_ends(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, DATABRICKS_HOST=issuer.host, **MACHINE)
    now = 0.0
    with ChatClient("my-chat", clock=lambda: now) as client:
        client.invoke("hi")
        now = 3500.0
        client.invoke("hi")
        now = 3599.0
        client.invoke("hi")
    assert issuer.callers == [f"{ISSUED}1", f"{ISSUED}1", f"{ISSUED}2"]


def test_a_refused_token_is_renewed_once_for_all_who_held_it(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, DATABRICKS_HOST=issuer.host, **MACHINE)
    credentials = Credentials()
    old = credentials.access()
    assert old is not None
    with ThreadPoolExecutor(8) as pool:
        renewed = list(pool.map(lambda _: credentials.access(refused=old), range(16)))
    assert {each.credential for each in renewed if each} == {f"{ISSUED}2"}


def test_a_wrong_secret_is_one_error_that_shows_none(
    ask: Callable[..., str], issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, DATABRICKS_HOST=issuer.host, **MACHINE)
    issuer.status = 401
    with pytest.raises(errors.AuthError, match="invalid_client") as caught:
        ask()
    assert "dose-secret" not in f"{caught.value!r} {caught.value}"
    assert issuer.callers == []


def test_a_token_endpoint_that_is_away_is_tried_again(
    ask: Callable[..., str], issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, DATABRICKS_HOST=issuer.host, **MACHINE)
    issuer.status = 503

    def back(_reason: str, _seconds: float) -> None:
        issuer.status = 200

    assert ask(on_pause=back) == "hello"


def test_a_service_principals_secret_goes_to_its_own_host_alone(
    ask: Callable[..., str], issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, DATABRICKS_HOST="https://dbc.example.com", **MACHINE)
    with pytest.raises(errors.AuthError, match="DATABRICKS_CLIENT_SECRET belongs to"):
        ask(host=issuer.host)
    assert issuer.forms == []


_PROBE = """
import sys
from chat import ChatClient
print(ChatClient("my-chat").invoke("hi"), "databricks" in sys.modules)
"""


def test_a_service_principal_needs_no_sdk(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, DATABRICKS_HOST=issuer.host, **MACHINE)
    done = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "hello False\n"


def _file_oidc(_issuer: Issuer, home: Path) -> dict[str, str]:
    (home / "identity").write_text("a-federated-identity")
    return {"DATABRICKS_AUTH_TYPE": "file-oidc", "DATABRICKS_OIDC_TOKEN_FILEPATH": str(home / "identity")}


def _env_oidc(_issuer: Issuer, _home: Path) -> dict[str, str]:
    return {"DATABRICKS_AUTH_TYPE": "env-oidc", "DATABRICKS_OIDC_TOKEN": "a-federated-identity"}


def _github_oidc(issuer: Issuer, _home: Path) -> dict[str, str]:
    request = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.host}/github?x=1",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a-github-token",
    }
    return {"DATABRICKS_AUTH_TYPE": "github-oidc", "DATABRICKS_CLIENT_ID": "an-application", **request}


def _metadata_service(issuer: Issuer, _home: Path) -> dict[str, str]:
    return {"DATABRICKS_METADATA_SERVICE_URL": f"{issuer.host}/metadata"}


def _scoped_machine(_issuer: Issuer, _home: Path) -> dict[str, str]:
    return {"DATABRICKS_SCOPES": "serving", **MACHINE}


def _databricks_cli(issuer: Issuer, home: Path) -> dict[str, str]:
    issuer.tokens = 1
    told = {"access_token": f"{ISSUED}1", "token_type": "Bearer", "expiry": "2099-01-01T00:00:00Z"}
    _on_path(
        home / "databricks",
        f'if [ "$1" = version ]; then echo \'{{"Version": "0.300.0", "Major": 0, "Minor": 300, "Patch": 0}}\'; '
        f"else echo '{json.dumps(told)}'; fi\n# {'x' * (1 << 20)}",  # the SDK takes a small file for the old CLI
    )
    return {"DATABRICKS_AUTH_TYPE": "databricks-cli", "PATH": f"{home}:/usr/bin:/bin"}


def _model_serving(issuer: Issuer, home: Path) -> dict[str, str]:
    issuer.tokens = 1
    mounted = home / "model-dependencies-oauth-token"
    mounted.write_text(json.dumps({"OAUTH_TOKEN": [{"oauthTokenValue": f"{ISSUED}1"}]}))
    return {
        "IS_IN_DATABRICKS_MODEL_SERVING_ENV": "true",
        "SERVING_CREDENTIALS_DIR": str(home),
        "DATABRICKS_MODEL_SERVING_HOST_URL": issuer.host,
        "DATABRICKS_HOST": "",
    }


def _on_path(program: Path, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)


METHODS = [
    _file_oidc,
    _env_oidc,
    _github_oidc,
    _metadata_service,
    _scoped_machine,
    _databricks_cli,
    _model_serving,
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__.strip("_"))
def test_each_method_of_the_sdk_logs_in(
    ask: Callable[..., str],
    issuer: Issuer,
    clean_environment: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: Callable[[Issuer, Path], dict[str, str]],
) -> None:
    variables = {"DATABRICKS_HOST": issuer.host, **method(issuer, clean_environment)}
    named(monkeypatch, **variables)
    assert ask() == "hello"
    assert issuer.callers[-1].startswith(ISSUED)


def test_a_login_of_the_azure_cli_serves(
    ask: Callable[..., str], issuer: Issuer, clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.tokens = 1
    told = {"accessToken": f"{ISSUED}1", "tokenType": "Bearer", "expiresOn": "2099-01-01 00:00:00.000000"}
    _on_path(clean_environment / "az", f"echo '{json.dumps(told)}'")
    named(monkeypatch, PATH=f"{clean_environment}:/usr/bin:/bin", ARM_TENANT_ID="t")
    azure = next(each for each in ALL_ENVS if each.cloud is Cloud.AZURE)  # by its name, 127.0.0.1 is not in Azure
    given = Config(host=issuer.host, auth_type="azure-cli", databricks_environment=azure)
    assert ask(workspace_client=given) == "hello"


def test_a_user_and_password_log_in_by_basic(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, DATABRICKS_HOST=issuer.host, DATABRICKS_USERNAME="ann", DATABRICKS_PASSWORD="pass-word")
    access = Credentials().access()
    assert access is not None
    assert access.headers["Authorization"].startswith("Basic ")
    assert access.personal


@pytest.mark.parametrize("kind", [WorkspaceClient, Config])
def test_a_client_of_the_sdk_may_be_passed_in(
    ask: Callable[..., str], workspace: WorkspaceHandle, endpoint: str, monkeypatch: pytest.MonkeyPatch, kind: type
) -> None:
    monkeypatch.delenv("DATABRICKS_HOST")
    monkeypatch.delenv("DATABRICKS_TOKEN")
    assert endpoint == "my-chat"
    assert ask(workspace_client=kind(host=workspace.host, token=workspace.token))


def test_a_client_of_the_sdk_and_a_host_are_one_too_many(workspace: WorkspaceHandle) -> None:
    given = Config(host=workspace.host, token=workspace.token)
    with pytest.raises(errors.InvalidRequestError, match="workspace_client"):
        ChatClient("my-chat", workspace_client=given, host=workspace.host)


def test_a_calls_own_token_goes_to_the_workspace_of_the_client_passed_in(
    workspace: WorkspaceHandle, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", "https://elsewhere.example.com")
    given = Config(host=workspace.host, token="dapi-nobody")
    with ChatClient(endpoint, workspace_client=given) as client:
        assert client.invoke("hi", token=workspace.token)


def test_a_profiles_credentials_go_to_its_own_host_alone(
    issuer: Issuer, server: LocalWorkspace, clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clean_environment / ".databrickscfg").write_text(f"[team]\nhost = {server.host}\ntoken = dapi-of-the-team\n")
    monkeypatch.setenv("DATABRICKS_CONFIG_PROFILE", "team")
    with pytest.raises(errors.AuthError, match="DATABRICKS_CONFIG_PROFILE belongs to"):
        ChatClient("my-chat", host=issuer.host).invoke("hi")
    assert issuer.callers == []


@pytest.mark.parametrize("variable", ["DATABRICKS_TOKEN", "DATABRICKS_CLIENT_SECRET"])
def test_a_credential_without_a_host_goes_to_no_profiles_workspace(
    issuer: Issuer, clean_environment: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    (clean_environment / ".databrickscfg").write_text(f"[team]\nhost = {issuer.host}\ntoken = dapi-of-the-team\n")
    monkeypatch.setenv("DATABRICKS_CONFIG_PROFILE", "team")
    monkeypatch.setenv(variable, "of-another")
    with pytest.raises(errors.AuthError, match=f"{variable} belongs to no host at all"):
        ChatClient("my-chat").invoke("hi")
    assert issuer.callers == []


def test_a_profiles_credentials_do_not_go_to_the_environments_host(
    issuer: Issuer, clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clean_environment / ".databrickscfg").write_text("[team]\nhost = https://x.example.com\ntoken = dapi-team\n")
    monkeypatch.setenv("DATABRICKS_CONFIG_PROFILE", "team")
    monkeypatch.setenv("DATABRICKS_HOST", issuer.host)
    with pytest.raises(errors.AuthError, match=r"DATABRICKS_CONFIG_PROFILE belongs to https://x\.example\.com"):
        ChatClient("my-chat").invoke("hi")
    assert issuer.callers == []


def test_a_calls_own_token_finds_the_profiles_workspace(issuer: Issuer, clean_environment: Path) -> None:
    (clean_environment / ".databrickscfg").write_text(f"[DEFAULT]\nhost = {issuer.host}\ntoken = dapi-own\n")
    issuer.accepted = lambda token: token == "token-of-ann"
    with ChatClient("my-chat") as client:
        assert str(client.invoke("hi", token="token-of-ann")) == "hello"


def test_users_tokens_share_connections_and_never_mix(issuer: Issuer) -> None:
    issuer.accepted = lambda _: True
    users = [f"token-of-user-{number}" for number in range(40)]

    async def run() -> None:
        async with AsyncChatClient("my-chat", host=issuer.host) as client:
            await asyncio.gather(*(client.ainvoke("hi", token=lambda user=user: user) for user in users * 3))

    asyncio.run(run())
    assert sorted(issuer.callers) == sorted(users * 3)
