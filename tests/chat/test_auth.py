from __future__ import annotations

import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from chat.auth import FRESH_FOR, Credentials, origin_of
from chat.errors import AuthError

if TYPE_CHECKING:
    from pathlib import Path

    from local_workspace import LocalWorkspace

HOST = "https://dbc.example.com"
ENVIRONMENT = {"DATABRICKS_HOST": HOST, "DATABRICKS_TOKEN": "dapi-env"}


def authorization(credentials: Credentials, host: str | None = None, token: str | None = None) -> tuple[str, str]:
    access = credentials.access(host, token)
    assert access is not None
    return access.host, access.headers["Authorization"]


def test_the_environment_names_workspace_and_token() -> None:
    assert authorization(Credentials(environ=ENVIRONMENT)) == (HOST, "Bearer dapi-env")


def test_arguments_come_before_the_environment() -> None:
    credentials = Credentials("https://other.example.com", "dapi-arg", environ=ENVIRONMENT)
    assert authorization(credentials) == ("https://other.example.com", "Bearer dapi-arg")


@pytest.mark.parametrize("host", ["https://other.example.com", "other.example.com", "http://dbc.example.com"])
def test_the_environments_token_goes_to_the_environments_host_only(host: str) -> None:
    with pytest.raises(AuthError, match="belongs to"):
        Credentials(host, environ=ENVIRONMENT).access()
    with pytest.raises(AuthError, match="belongs to"):
        Credentials(environ=ENVIRONMENT).access(host)


@pytest.mark.parametrize("host", ["dbc.example.com", f"{HOST}/", f"{HOST}/?o=123", f" {HOST} "])
def test_one_host_may_be_written_in_several_ways(host: str) -> None:
    assert authorization(Credentials(host, environ=ENVIRONMENT)) == (HOST, "Bearer dapi-env")


def test_a_token_without_a_host_is_refused() -> None:
    with pytest.raises(AuthError, match="no workspace"):
        Credentials(token="dapi-arg", environ={}).access()


@pytest.mark.parametrize("token", ["dapi x", "dapi\n", "\N{EM DASH}"])
def test_a_token_that_no_header_can_hold_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(AuthError) as caught:
        Credentials(HOST, token).access()
    assert token not in str(caught.value)


@pytest.mark.parametrize("host", ["", "ftp://x", "https://", "http://x:port"])
def test_what_is_no_url_is_refused(host: str) -> None:
    with pytest.raises(AuthError):
        origin_of(host)


def test_ipv6_and_ports_are_kept() -> None:
    assert origin_of("http://[::1]:8080/x") == "http://[::1]:8080"


def test_a_fixed_token_cannot_be_renewed_but_a_function_is_asked_again() -> None:
    fixed = Credentials(HOST, "dapi-arg")
    assert fixed.access(refused=fixed.access()) is None
    tokens = iter(["one", "two"])
    credentials = Credentials(HOST, lambda: next(tokens))
    assert authorization(credentials)[1] == "Bearer one"
    assert authorization(credentials)[1] == "Bearer two"


def test_a_token_of_the_environment_that_was_rotated_is_found_when_the_old_one_is_refused() -> None:
    environment = dict(ENVIRONMENT)
    credentials = Credentials(environ=environment)
    refused = credentials.access()
    assert credentials.access(refused=refused) is None
    environment["DATABRICKS_TOKEN"] = "dapi-rotated"
    renewed = credentials.access(refused=refused)
    assert renewed is not None
    assert renewed.headers["Authorization"] == "Bearer dapi-rotated"


def test_tokens_of_users_are_not_collected() -> None:
    credentials = Credentials(environ=ENVIRONMENT)
    authorization(credentials, token="dapi-of-ann")
    assert "dapi-of-ann" not in repr(vars(credentials))
    assert authorization(credentials) == (HOST, "Bearer dapi-env")


def test_credentials_travel_without_what_was_found_out_here() -> None:
    credentials = Credentials(HOST, "dapi-arg")
    credentials.access()
    assert authorization(pickle.loads(pickle.dumps(credentials))) == (HOST, "Bearer dapi-arg")  # noqa: S301 - our own


def test_a_profile_of_the_sdk_is_found_and_renewed_when_refused(
    clean_environment: Path, server: LocalWorkspace
) -> None:
    profile = clean_environment / ".databrickscfg"
    profile.write_text(f"[DEFAULT]\nhost = {server.host}\ntoken = dapi-one\n")
    now = 0.0
    credentials = Credentials(clock=lambda: now)
    assert authorization(credentials) == (server.host, "Bearer dapi-one")
    profile.write_text(f"[DEFAULT]\nhost = {server.host}\ntoken = dapi-two\n")
    now = FRESH_FOR + 1
    assert authorization(credentials)[1] == "Bearer dapi-one"  # the SDK's own object is asked again, not built again
    renewed = credentials.access(refused=credentials.access())
    assert renewed is not None
    assert renewed.headers["Authorization"] == "Bearer dapi-two"


def test_no_credentials_at_all_is_one_sentence() -> None:
    with pytest.raises(AuthError, match="No way to log in") as caught:
        Credentials().access()
    assert "DATABRICKS_HOST" in (caught.value.remedy or "")


_PROBE = """
import sys
from chat import ChatClient
ChatClient("my-chat").invoke("hi")
list(ChatClient("my-chat").stream("hi"))
heavy = {"mlflow", "openai", "langchain", "langchain_core", "databricks", "pydantic", "aiohttp", "provisioning"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.usefixtures("endpoint")
def test_host_and_token_alone_import_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
