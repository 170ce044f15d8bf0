"""The page in a real browser: coming in, what it shows, the faults it arms, and a workspace that goes and returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.local_workspace.conftest import Api
    from tests.local_workspace.ui.conftest import Tab

CANARY = "sk-canary-0123456789"


def test_the_token_is_asked_for_once_and_kept_out_of_the_address(tab: Tab, workspace: LocalWorkspace) -> None:
    tab.enter(workspace)
    assert workspace.workspace_id in tab.text("header")
    tab.go(workspace.page)
    tab.see_text("#health", "up to date")
    assert tab.evaluate("document.querySelector('#door').hidden")
    asked = [each["request"]["url"] for each in tab.events("Network.requestWillBeSent")]
    assert asked
    assert all(url.startswith(workspace.host) for url in asked)
    assert not any(workspace.token in url for url in asked)
    assert workspace.token not in tab.evaluate("document.documentElement.outerHTML + document.cookie + location.href")
    assert tab.evaluate("JSON.stringify(localStorage)") == "{}"
    assert tab.complaints() == []


def test_another_tab_asks_again(tab: Tab, open_tab: Callable[..., Tab], workspace: LocalWorkspace) -> None:
    tab.enter(workspace)
    other = open_tab()
    other.go(workspace.page)
    other.see("!document.querySelector('#door').hidden")
    assert "up to date" not in other.text()


@pytest.mark.parametrize(
    ("token", "said"), [("dapi0123", "refuses this token"), ("dapi … é", "no token"), ("Bearer x", "no token")]
)
def test_a_wrong_token_is_told_and_the_right_one_then_opens(
    tab: Tab, workspace: LocalWorkspace, token: str, said: str
) -> None:
    tab.go(workspace.page)
    tab.fill("#token", token)
    tab.click("#door button")
    tab.see_text("#refused", said)
    assert token not in tab.text()
    assert tab.evaluate("JSON.stringify(sessionStorage)") == "{}"
    tab.fill("#token", workspace.token)
    tab.click("#door button")
    tab.see_text("#health", "up to date")


def test_forgetting_the_token_leaves_nothing_on_the_page(page: Tab, workspace: LocalWorkspace) -> None:
    page.answered("remember this")
    page.click("#leave")
    page.see("!document.querySelector('#door').hidden && document.querySelector('#panels').hidden")
    assert workspace.token not in page.evaluate("JSON.stringify(sessionStorage)")
    assert "remember this" not in page.evaluate("document.documentElement.outerHTML")


def test_endpoints_show_their_state_their_calls_and_their_traffic(
    page: Tab, api: Api, workspace: LocalWorkspace, create: Callable[..., object], openai_entity: Callable[..., Any]
) -> None:
    routes = [
        {"served_model_name": "gpt-4o", "traffic_percentage": 70},
        {"served_model_name": "mini", "traffic_percentage": 30},
    ]
    config = {"served_entities": [openai_entity(), openai_entity("mini")], "traffic_config": {"routes": routes}}
    workspace.endpoints.fail("broken", message="no quota")
    api.ok("POST", "/api/2.0/secrets/scopes/create", {"scope": "s"})
    api.ok("POST", "/api/2.0/secrets/put", {"scope": "s", "key": "k", "string_value": CANARY})
    api.ok("POST", "/api/2.0/serving-endpoints", {"name": "split", "config": config})
    create("broken")
    question = {"messages": [{"role": "user", "content": "hi"}]}
    api.ok("POST", "/serving-endpoints/split/invocations", question)
    api.ok("POST", "/serving-endpoints/chat/completions", {"model": "split", **question})
    assert api("POST", "/serving-endpoints/split/invocations", {"messages": 1}).status == 400
    page.look_again()
    shown = page.see_text("#endpoints .own", "3 calls, 1 error")
    assert "not ready, update failed" in shown
    for name in ("broken", "split"):
        page.evaluate(
            f"[...document.querySelectorAll('.own summary')].find((each) => each.innerText.includes('{name}')).click()"
        )
    page.see_text("#endpoints .own", "no quota")
    shown = page.see_text("#endpoints .own", "70 % of the traffic")
    assert "30 % of the traffic" in shown
    assert CANARY not in page.evaluate("document.documentElement.outerHTML")


def test_calls_are_listed_newest_first_and_errors_can_be_picked_out(
    page: Tab, api: Api, workspace: LocalWorkspace
) -> None:
    for number in range(60):
        api.ok("GET", f"/api/2.0/serving-endpoints?n={number}")
    api("GET", "/api/2.0/jobs/list")
    page.look_again()
    page.see_text("#calls .summary", "61 calls, 1 error; the last 50 are shown")
    assert page.text("#calls tbody tr").split() == ["404", "GET", "/api/2.0/jobs/list", "local-admin@example.com"]
    assert "GET /api/2.0/jobs/list (1 time)" in page.text("#calls .unknown")
    page.click("#calls .errors-only")
    assert page.see("document.querySelectorAll('#calls tbody tr').length === 1")
    page.click("#calls .forget")
    page.see_text("#calls .summary", "0 calls, 0 errors")
    assert list(workspace.requests) == []


def test_scopes_show_the_names_of_their_keys_and_no_value(page: Tab, api: Api) -> None:
    api.ok("POST", "/api/2.0/secrets/scopes/create", {"scope": "team"})
    api.ok("POST", "/api/2.0/secrets/put", {"scope": "team", "key": "openai", "string_value": CANARY})
    page.look_again()
    page.see_text("#scopes", "openai, written ")
    assert CANARY not in page.evaluate("document.documentElement.outerHTML")
    bodies = [each["response"]["url"] for each in page.events("Network.responseReceived")]
    assert not any("secrets/get" in url for url in bodies)


def test_a_scope_that_one_may_not_read_says_so(tab: Tab, api: Api, workspace: LocalWorkspace) -> None:
    api.ok("POST", "/api/2.0/secrets/scopes/create", {"scope": "closed"})
    tab.go(workspace.page)
    tab.fill("#token", workspace.token_for("ann@example.com"))
    tab.press("Enter", text="\r")
    tab.see_text("#scopes", "PERMISSION_DENIED")
    assert "ann@example.com" in tab.text("header")
    assert tab.evaluate("document.querySelector('#door').hidden")


def test_looking_leaves_no_trace(page: Tab, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([{"match": {"path": "*"}, "kind": "status", "times": None}])
    page.look_again()
    page.see_text("#faults .armed", "status 503")
    page.see_text("#health", "up to date")
    assert list(workspace.requests) == []
    assert workspace.faults.view()[0]["matched"] == 0


def test_a_fault_is_armed_hits_and_is_cleared_from_the_page(page: Tab, api: Api, workspace: LocalWorkspace) -> None:
    page.choose("[data-field=method]", "GET")
    page.fill("[data-field=path]", "/api/2.0/secrets/*")
    page.fill("[data-field=status]", "429")
    page.fill("[data-field=retry_after]", "7")
    page.click("#faults button[type=submit]")
    page.see_text("#faults .armed", "status 429 GET /api/2.0/secrets/*")
    answer = api("GET", "/api/2.0/secrets/scopes/list")
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    page.look_again()
    page.see_text("#faults .armed", "1 request matched, 1 hit, used up")
    page.click("#faults .clear")
    page.see_text("#faults", "Nothing is armed.")
    assert workspace.faults.view() == []


def test_only_the_fields_of_a_kind_are_asked_for_and_sent(page: Tab, workspace: LocalWorkspace) -> None:
    page.choose("[data-field=kind]", "cut")
    page.fill("[data-field=after_bytes]", "12")
    page.fill("[data-field=times]", "")
    page.press("Enter", text="\r")
    page.see_text("#faults .armed", "cut any method *")
    (armed,) = workspace.faults.view()
    assert (armed["fault"]["after_bytes"], armed["fault"]["times"]) == (12, None)
    assert not page.evaluate("document.querySelector('[data-field=status]').checkVisibility()")


def test_what_is_no_fault_is_refused_in_the_workspaces_words(page: Tab, workspace: LocalWorkspace) -> None:
    page.fill("[data-field=status]", "200")
    page.click("#faults button[type=submit]")
    page.see_text("#faults .problem", "A fault's status must be an error's HTTP status, 400 to 599.")
    assert workspace.faults.view() == []


def test_a_workspace_that_is_gone_is_told_and_found_again(tab: Tab, tmp_path: Path) -> None:
    with LocalWorkspace(state=tmp_path) as workspace:
        tab.enter(workspace)
        port = int(workspace.host.rpartition(":")[2])
    tab.look_again()
    tab.see_text("#health", "The workspace does not answer. What is shown may be old; trying again.")
    assert "databricks-gpt-5" in tab.evaluate("document.querySelector('#endpoints').textContent")
    with LocalWorkspace(state=tmp_path, port=port):
        tab.look_again()
        tab.see_text("#health", "up to date")


def test_a_token_that_holds_no_longer_leads_back_to_the_door(tab: Tab) -> None:
    with LocalWorkspace() as first:
        tab.enter(first)
        port = int(first.host.rpartition(":")[2])
    with LocalWorkspace(port=port) as second:
        tab.look_again()
        tab.see_text("#refused", "does not take the token any more")
        assert "databricks" not in tab.evaluate("document.querySelector('#panels').textContent")
        tab.fill("#token", second.token)
        tab.press("Enter", text="\r")
        tab.see_text("#health", "up to date")
