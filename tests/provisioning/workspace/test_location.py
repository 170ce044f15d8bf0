from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioning.errors import ProvisioningError, WrongWorkspaceError
from provisioning.model.workspace import Target
from provisioning.workspace.location import check_local, locate

if TYPE_CHECKING:
    from pathlib import Path

A, B = "https://a.cloud.databricks.com", "https://b.cloud.databricks.com"


@pytest.fixture
def profiles(tmp_path: Path) -> dict[str, str]:
    """A config file with two profiles and a default one."""
    file = tmp_path / "databrickscfg"
    file.write_text(f"[DEFAULT]\nhost = {B}\n[a]\nhost = {A}\ntoken = t\n[hostless]\ntoken = t\n")
    return {"DATABRICKS_CONFIG_FILE": str(file)}


@pytest.mark.parametrize(
    "spelling", [A, f"{A}/", A.upper().replace("HTTPS", "https"), "a.cloud.databricks.com", f"{A}:443/?o=1"]
)
def test_spellings_of_one_host_agree(spelling: str) -> None:
    assert locate(Target(host=A), environ={"DATABRICKS_HOST": spelling}).host == A


def test_host_of_the_target_alone_is_used_without_a_stray_credential() -> None:
    assert locate(Target(host=A), environ={}).host == A
    for name in ("DATABRICKS_TOKEN", "DATABRICKS_CLIENT_SECRET", "DATABRICKS_PASSWORD"):
        with pytest.raises(WrongWorkspaceError, match=name):
            locate(Target(host=A), environ={name: "x"})


@pytest.mark.parametrize(
    ("target", "environ"),
    [
        (Target(host=A), {"DATABRICKS_HOST": B}),
        (Target(profile="a"), {"DATABRICKS_CONFIG_PROFILE": "b"}),
        (Target(profile="a"), {"DATABRICKS_HOST": B}),
        (Target(host=B), {"DATABRICKS_CONFIG_PROFILE": "a"}),
        (Target(name="local"), {"DATABRICKS_HOST": A}),
        (Target(name="local"), {"DATABRICKS_CONFIG_PROFILE": "a"}),
        (Target(name="local"), {}),
    ],
)
def test_whatever_disagrees_is_refused(profiles: dict[str, str], target: Target, environ: dict[str, str]) -> None:
    with pytest.raises(WrongWorkspaceError):
        locate(target, environ={**profiles, **environ})


def test_profile_names_its_host(profiles: dict[str, str]) -> None:
    location = locate(Target(profile="a"), environ=profiles)

    assert (location.host, location.profile) == (A, "a")


def test_credential_without_a_host_is_for_no_profile_either(profiles: dict[str, str]) -> None:
    with pytest.raises(WrongWorkspaceError, match="DATABRICKS_TOKEN is set without DATABRICKS_HOST"):
        locate(Target(profile="a"), environ={**profiles, "DATABRICKS_TOKEN": "dapi-of-another"})


def test_profile_does_not_borrow_the_default_ones_host(profiles: dict[str, str]) -> None:
    with pytest.raises(ProvisioningError, match="no workspace is named"):
        locate(Target(profile="hostless"), environ=profiles)


def test_default_profile_is_the_last_resort(profiles: dict[str, str]) -> None:
    assert locate(Target(), environ=profiles).host == B


@pytest.mark.parametrize("host", ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:2", "http://127.9.9.9"])
def test_local_target_may_be_on_loopback(host: str) -> None:
    assert locate(Target(name="local"), environ={"DATABRICKS_HOST": host}).host == host


@pytest.mark.parametrize("host", ["https://127.0.0.1.evil.example.com", "https://localhost.example.com"])
def test_name_that_looks_like_loopback_is_not(host: str) -> None:
    with pytest.raises(WrongWorkspaceError):
        locate(Target(name="local"), environ={"DATABRICKS_HOST": host})


@pytest.mark.parametrize("host", ["ftp://a", "https://", "https://a:port"])
def test_what_is_no_address_is_said(host: str) -> None:
    with pytest.raises(ProvisioningError, match="not a workspace's URL"):
        locate(Target(), environ={"DATABRICKS_HOST": host})


@pytest.mark.parametrize("target", [Target(host=A), Target(profile="a"), Target(host="http://127.0.0.1:1")])
def test_embedded_workspace_is_refused_for_a_target_with_its_own(target: Target) -> None:
    with pytest.raises(WrongWorkspaceError):
        check_local(target)
