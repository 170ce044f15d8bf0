"""The page without a browser: who gets its files, what they hold, and its reads that leave no trace."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import local_workspace
from local_workspace.faults import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Api

ROOT = Path(local_workspace.__file__).parents[1]
ASSETS = sorted((ROOT / "local_workspace/ui/assets").iterdir())
READS = (
    "/api/2.0/serving-endpoints",
    "/api/2.0/serving-endpoints/databricks-gpt-5",
    "/api/2.0/secrets/scopes/list",
    "/api/2.0/secrets/list?scope=s",
    "/api/2.0/preview/scim/v2/Me",
)


@pytest.fixture
def anybody(workspace: LocalWorkspace, api_of: Callable[..., Api]) -> Api:
    return api_of(workspace.host, None)


@pytest.mark.parametrize("path", ["/_local/ui", "/_local/ui/", *(f"/_local/ui/{each.name}" for each in ASSETS)])
def test_a_file_of_the_page_comes_without_a_token_and_under_a_strict_policy(anybody: Api, path: str) -> None:
    answer = anybody("GET", path)
    assert answer.status == 200
    policy = dict(each.split(" ", 1) for each in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", ["none.js", "..", "..%2f__init__.py", "%2e%2e%2fpage.py", "", ".html"])
def test_nothing_else_is_handed_out(anybody: Api, name: str) -> None:
    answer = anybody("GET", f"/_local/ui/x/{name}" if name == "" else f"/_local/ui/{name}")
    assert answer.status in {401, 404}  # a `..` that the client resolves is another route


def test_only_the_page_is_public(anybody: Api) -> None:
    assert anybody("GET", "/_local/uix").status == 401
    assert {anybody("GET", f"/_local{each}").status for each in READS} == {401}
    assert anybody("POST", "/_local/ui").status == 404


@pytest.mark.parametrize(
    ("header", "status"), [({"Host": "evil.example.com"}, 421), ({"Origin": "https://evil.example.com"}, 403)]
)
def test_the_page_is_not_for_another_site(anybody: Api, header: dict[str, str], status: int) -> None:
    assert anybody("GET", "/_local/ui", headers=header).status == status


def test_the_pages_reads_answer_as_the_api_does_and_leave_no_trace(api: Api, workspace: LocalWorkspace) -> None:
    api.ok("POST", "/api/2.0/secrets/scopes/create", {"scope": "s"})
    api.ok("POST", "/api/2.0/secrets/put", {"scope": "s", "key": "k", "string_value": "v"})
    expected = [api.ok("GET", each) for each in READS]
    workspace.requests.clear()
    workspace.faults.arm([{"match": {"path": "*"}, "kind": "status", "times": None}])
    assert [api.ok("GET", f"/_local{each}") for each in READS] == expected
    assert list(workspace.requests) == []
    assert workspace.faults.view()[0]["matched"] == 0


def test_no_secrets_value_can_be_read_that_way(api: Api) -> None:
    assert api("GET", "/_local/api/2.0/secrets/get?scope=s&key=k").status == 404


def test_the_files_ask_nobody_else_and_hold_no_code_outside_of_modules() -> None:
    for each in ASSETS:
        text = each.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?:|[\"'(]//|@import|\bdata:[a-z]+/", text), each.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|localStorage", text), (
            each.name
        )
        if each.suffix == ".html":
            assert not re.search(r"\son\w+=|\sstyle=|<style|<script(?![^>]*\ssrc=)|javascript:", text)


def test_the_form_offers_every_kind_of_fault() -> None:
    page = (ROOT / "local_workspace/ui/assets/index.html").read_text()
    assert tuple(re.findall(r'<option value="(\w+)">\1:', page)) == KINDS


def test_the_wheel_holds_the_page(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"local_workspace/ui/assets/{each.name}" for each in ASSETS} <= set(names)
