from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import urllib3

from local_workspace import Settings
from local_workspace.clock import Clock
from local_workspace.store import Store
from local_workspace.workspace import Workspaces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Answer, Api

ME = "/api/2.0/preview/scim/v2/Me"
APPLICATION = "11111111-2222-3333-4444-555555555555"


@pytest.mark.witness("auth-none", client="HTTP")
def test_no_credential_is_a_401_in_the_real_words(workspace: LocalWorkspace, api_of: Callable[..., Api]) -> None:
    answer = api_of(workspace.host, None)("GET", ME)
    assert answer.status == 401
    assert answer.body["error_code"] == 401
    expected = "Credential was not sent or was of an unsupported type for this API. [ReqId: "
    assert answer.body["message"].startswith(expected)


@pytest.mark.witness("auth-basic", client="HTTP")
def test_a_token_is_the_password_of_the_user_named_token(workspace: LocalWorkspace, api_of: Callable[..., Api]) -> None:
    def me(user: str, password: str) -> Answer:
        return api_of(workspace.host, None)("GET", ME, headers=urllib3.make_headers(basic_auth=f"{user}:{password}"))

    assert me("token", workspace.token).body["userName"] == "local-admin@example.com"
    assert me("token", "dapi-wrong").status == 403
    assert me("somebody", workspace.token).status == 401


@pytest.mark.parametrize("header", ["Basic YTpi", "Basic ä", "Basic", "Bearer", "Bearer ", "token x"])
def test_another_kind_of_credential_counts_as_none(
    workspace: LocalWorkspace, api_of: Callable[..., Api], header: str
) -> None:
    assert api_of(workspace.host, None)("GET", ME, headers={"Authorization": header}).status == 401


@pytest.mark.witness("auth-bad-token", client="HTTP")
def test_a_bad_token_is_a_403_in_the_real_words(workspace: LocalWorkspace, api_of: Callable[..., Api]) -> None:
    answer = api_of(workspace.host, workspace.token[:-1])("GET", ME)
    assert answer.status == 403
    assert answer.body == {"error_code": 403, "message": "Invalid access token."}
    assert answer.headers["x-databricks-reason-phrase"] == "Invalid access token."


def test_me_is_the_tokens_own_identity(api: Api, api_as: Callable[..., Api], workspace: LocalWorkspace) -> None:
    answer = api("GET", ME)
    assert answer.body["userName"] == "local-admin@example.com"
    assert {each["display"] for each in answer.body["groups"]} == {"admins", "users"}
    assert answer.headers["x-databricks-org-id"] == workspace.workspace_id
    robot = api_as(APPLICATION).ok("GET", ME)
    assert robot["userName"] == APPLICATION
    assert "entitlements" not in api.ok("GET", ME, query={"excludedAttributes": "entitlements"})


def test_the_same_identity_gets_the_same_token(workspace: LocalWorkspace) -> None:
    assert workspace.token_for("ann@example.com") == workspace.token_for("ann@example.com")
    assert workspace.token_for("ann@example.com") != workspace.token_for("bob@example.com")


@pytest.mark.witness("auth-discovery", client="HTTP")
def test_discovery_answers_without_a_token(workspace: LocalWorkspace, api_of: Callable[..., Api]) -> None:
    config = api_of(workspace.host, None).ok("GET", "/.well-known/databricks-config")
    assert config["oidc_endpoint"] == f"{workspace.host}/oidc"
    assert config["workspace_id"] == workspace.workspace_id


@pytest.mark.parametrize("host", ["evil.example.com", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example.com:80", ""])
def test_a_foreign_host_header_is_refused_before_the_token_is_looked_at(api: Api, host: str) -> None:
    answer = api("GET", ME, headers={"Host": host})
    assert answer.error == (421, "BAD_REQUEST")


def test_localhost_with_the_right_port_is_the_same_host(api: Api, workspace: LocalWorkspace) -> None:
    port = workspace.host.rpartition(":")[2]
    assert api("GET", ME, headers={"Host": f"localhost:{port}"}).status == 200


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "http://127.0.0.1:1", "http://localhost"])
def test_a_web_page_of_another_origin_is_refused(api: Api, origin: str) -> None:
    answer = api("GET", ME, headers={"Origin": origin})
    assert answer.error == (403, "PERMISSION_DENIED")
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_a_preflight_gets_no_permission(api: Api) -> None:
    answer = api("OPTIONS", ME, headers={"Origin": "https://evil.example.com"})
    assert answer.status == 403


def test_it_listens_on_loopback_alone(workspace: LocalWorkspace) -> None:
    port = int(workspace.host.rpartition(":")[2])
    with socket.socket() as other:
        other.settimeout(2)
        with pytest.raises(OSError, match=r"refused|unreachable"):
            other.connect(("127.0.0.2", port))


@pytest.fixture
def ask_token(workspace: LocalWorkspace, api_of: Callable[..., Api]) -> Callable[..., Answer]:
    secret = workspace.client_secret_for(APPLICATION)

    def ask(
        client_id: str = APPLICATION,
        client_secret: str = secret,
        grant_type: str = "client_credentials",
        **fields: object,
    ) -> Answer:
        form = {"grant_type": grant_type, "client_id": client_id, "client_secret": client_secret, **fields}
        raw = "&".join(f"{key}={value}" for key, value in form.items()).encode()
        return api_of(workspace.host, None)("POST", "/oidc/v1/token", raw=raw)

    return ask


@pytest.mark.witness("auth-m2m", client="HTTP")
def test_a_service_principal_fetches_a_token_that_expires(
    workspace: LocalWorkspace, api_of: Callable[..., Api], ask_token: Callable[..., Answer]
) -> None:
    issued = ask_token(scope="all-apis")
    assert issued.status == 200
    assert (issued.body["token_type"], issued.body["scope"]) == ("Bearer", "all-apis")
    robot = api_of(workspace.host, issued.body["access_token"])
    assert robot.ok("GET", ME)["userName"] == APPLICATION
    workspace.clock.advance(issued.body["expires_in"])
    assert robot("GET", ME).status == 403


def test_a_forks_service_principal_gets_a_token_of_its_own_workspace(
    workspace: LocalWorkspace, api_of: Callable[..., Api], ask_token: Callable[..., Answer]
) -> None:
    other = workspace.fork()
    issued = ask_token(client_secret=other.client_secret_for(APPLICATION))
    assert issued.status == 200
    answer = api_of(workspace.host, issued.body["access_token"])("GET", ME)
    assert answer.headers["x-databricks-org-id"] == other.workspace_id
    assert ask_token().status == 200


def test_of_several_workspaces_discovery_names_none(workspace: LocalWorkspace, api_of: Callable[..., Api]) -> None:
    workspace.fork()
    assert "workspace_id" not in api_of(workspace.host, None).ok("GET", "/.well-known/databricks-config")


@pytest.mark.parametrize("wrong", [{"client_secret": "dose-wrong"}, {"client_id": "nobody"}])
def test_a_wrong_client_gets_no_token(ask_token: Callable[..., Answer], wrong: object) -> None:
    answer = ask_token(**wrong)
    assert (answer.status, answer.body["error"]) == (401, "invalid_client")


def test_another_grant_is_refused(ask_token: Callable[..., Answer]) -> None:
    answer = ask_token(grant_type="password")
    assert (answer.status, answer.body["error"]) == (400, "unsupported_grant_type")


def test_the_clock_is_the_machines_unless_it_is_given_another() -> None:
    assert Clock(lambda: 12.5).now_ms() == 12_500


def test_tokens_that_have_expired_are_not_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "workspace.db")
    clock = Clock(lambda: 1_800_000_000.0)
    identities = Workspaces(store, clock=clock, settings=Settings()).default.identities
    identities.add(APPLICATION)
    for _ in range(3):
        clock.advance(3600)
        identities.issue(APPLICATION, seconds=3600)
    kept = store.rows("SELECT expires_ms FROM tokens WHERE expires_ms IS NOT NULL")
    store.close()
    assert len(kept) == 1
