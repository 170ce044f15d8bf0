"""The page in a real browser: what it shows, what it does, and how it takes what goes wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.local_workspace.conftest import Api
    from tests.local_workspace.ui.conftest import Tab

CANARY = "sk-canary-0123456789"
CALL = "/serving-endpoints/databricks-gpt-5/invocations"


@pytest.fixture
def page(tab: Tab, workspace: LocalWorkspace) -> Tab:
    """The page, with the token given, and nothing that the browser objected to in the end."""
    tab.enter(workspace)
    return tab


def ask(tab: Tab, question: str, *, endpoint: str = "databricks-gpt-5") -> None:
    tab.see(f"[...document.querySelector('#model').options].some((each) => each.value === '{endpoint}')")
    tab.choose("#model", endpoint)
    tab.fill("#prompt", question)
    tab.press("Enter", text="\r")


def ask_whole(tab: Tab, question: str, **options: str) -> None:
    ask(tab, question, **options)
    tab.see_text("#playground .figures", "whole after")


# --- coming in ---------------------------------------------------------------------------------------------------


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
    ask_whole(page, "remember this")
    page.click("#leave")
    page.see("!document.querySelector('#door').hidden && document.querySelector('#panels').hidden")
    assert workspace.token not in page.evaluate("JSON.stringify(sessionStorage)")
    assert "remember this" not in page.evaluate("document.documentElement.outerHTML")


# --- what it shows -----------------------------------------------------------------------------------------------


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


# --- faults ------------------------------------------------------------------------------------------------------


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


# --- the playground ----------------------------------------------------------------------------------------------


def test_an_answer_streams_and_the_conversation_goes_on(page: Tab, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([{"match": {"path": CALL}, "kind": "slow", "ms": 1}])
    page.evaluate(
        "window.seen = []; new MutationObserver(() => window.seen.push(document.querySelector('.turns').innerText))"
        ".observe(document.querySelector('.turns'), {subtree: true, characterData: true, childList: true})"
    )
    ask_whole(page, "first question")
    assert len(set(page.evaluate("window.seen"))) > 3
    assert "token" in page.text("#playground .figures")
    ask_whole(page, "second question")
    sent = workspace.requests[-1].body
    assert sent["stream"] is True
    assert [each["role"] for each in sent["messages"]] == ["user", "assistant", "user"]
    assert sent["messages"][1]["content"] in page.text(".turns")
    page.click("#playground .anew")
    assert page.text(".turns") == ""


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "cut", "after_bytes": 900}, "The connection broke before the answer ended."),
        ({"kind": "truncate", "after_bytes": 900}, "The stream broke off within an event."),
        ({"kind": "stream_error", "after_bytes": 900, "message": "overloaded"}, "overloaded"),
        ({"kind": "status", "status": 429, "error_code": "LIMIT", "message": "slow down"}, "429 LIMIT: slow down"),
        ({"kind": "lost"}, "The workspace does not answer."),
        ({"kind": "status", "status": 403, "error_code": 403, "message": "odd"}, "403 403: odd"),
    ],
    ids=["cut", "truncate", "stream_error", "status", "lost", "like a bad token"],
)
def test_an_answer_that_breaks_is_told_and_not_sent_again(
    page: Tab, workspace: LocalWorkspace, fault: dict[str, object], said: str
) -> None:
    # The browser asks again by itself when a kept connection is lost before any answer: so, all of them.
    workspace.faults.arm([{"match": {"path": CALL}, "times": None, **fault}])
    ask(page, "broken question")
    page.see_text(".turns", said)
    workspace.faults.clear()
    ask_whole(page, "whole question")
    assert workspace.requests[-1].body["messages"] == [{"role": "user", "content": "whole question"}]
    assert page.complaints() == []


def test_a_stream_can_be_stopped_by_the_keyboard(page: Tab, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([{"match": {"path": CALL}, "kind": "slow", "ms": 200}])
    page.choose("#model", "databricks-gpt-5")
    page.fill("#prompt", "a long story")
    page.focus("#playground button[type=submit]")
    page.press("Enter", text="\r")
    page.see("document.activeElement === document.querySelector('#playground .stop')")
    page.press(" ", text=" ")
    page.see_text(".turns", "Stopped.")
    assert page.evaluate("document.activeElement.id") == "prompt"


STREAMS: dict[str, tuple[str, object]] = {
    "crlf, several data lines": ('data: {"a":\r\ndata: 1}\r\n\r\ndata: [DONE]\r\n\r\n', [{"a": 1}]),
    "comments and other fields": (': hi\nid: 3\nevent: x\ndata:{"a": "é🚀"}\n\ndata: [DONE]\n\n', [{"a": "é🚀"}]),
    "lone CR": ('data: {"a": 1}\r\rdata: [DONE]\r\r', [{"a": 1}]),
    "no end": ('data: {"a": 1}\n\n', "ended before its answer did"),
    "half an event": ('data: {"a": 1}\n\ndata: {"a"', "within an event"),
    "nothing": ("", "ended before its answer did"),
    "an error after half an event": ('data: {"a": \n\ndata: {"error": {"message": "boom"}}\n\n', "boom"),
    "half an event, then more": ('data: {"a": \n\ndata: {"b": 1}\n\ndata: [DONE]\n\n', "within an event"),
    "an error": ('data: {"error": {"message": "boom"}}\n\n', "boom"),
}


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_events_are_read_however_the_bytes_are_cut(tab: Tab, workspace: LocalWorkspace, size: int) -> None:
    tab.go(workspace.page)
    read = """
      (async (text, size) => {
        const { events } = await import("/_local/ui/sse.js");
        const bytes = new TextEncoder().encode(text);
        const body = new ReadableStream({start(stream) {
          for (let at = 0; at < bytes.length; at += size) stream.enqueue(bytes.slice(at, at + size));
          stream.close();
        }});
        const found = [];
        try { for await (const each of events(body)) found.push(each); return found; }
        catch (error) { return error.message; }
      })(%s, %d)
    """
    for name, (text, expected) in STREAMS.items():
        found = tab.evaluate(read % (json.dumps(text), size))
        assert expected in found if isinstance(expected, str) else found == expected, name


# --- the workspace goes, and comes back -----------------------------------------------------------------------------


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


# --- hostile words --------------------------------------------------------------------------------------------------

HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'


def test_what_clients_sent_is_shown_as_text(page: Tab, api: Api, workspace: LocalWorkspace) -> None:
    api("GET", "/api/2.0/%3Cimg%20src=x%20onerror=%22window.pwned=1%22%3E")
    workspace.faults.arm([{"match": {"path": HOSTILE}, "kind": "lost"}])
    workspace.faults.arm([{"match": {"path": CALL}, "kind": "status", "error_code": HOSTILE, "message": HOSTILE}])
    page.look_again()
    page.see_text("#calls tbody", "<img src=x")
    page.see_text("#calls .unknown", "<img src=x")
    page.see_text("#faults .armed", HOSTILE)
    ask(page, HOSTILE)
    page.see_text(".turns", f"503 {HOSTILE}: {HOSTILE}")
    ask_whole(page, HOSTILE)
    assert page.evaluate("document.querySelectorAll('img, main script').length") == 0
    assert page.evaluate("window.pwned") is None
    assert page.complaints() == []


def _forged(path: str) -> dict[str, Any]:
    """What a workspace that holds hostile names everywhere would answer."""
    entity = {"name": HOSTILE, "external_model": {"provider": HOSTILE, "name": HOSTILE}}
    entity["state"] = {"deployment_state_message": HOSTILE}
    state = {"ready": HOSTILE, "config_update": "__proto__"}
    endpoint = {"name": HOSTILE, "task": f"{HOSTILE}/chat", "state": state, "creator": HOSTILE}
    if path.endswith("/serving-endpoints"):
        return {"endpoints": [endpoint, {"name": "__proto__"}, {"name": "constructor"}]}
    if "/serving-endpoints/" in path:
        return endpoint | {"config": {"served_entities": [entity]}}
    if path.endswith("/scopes/list"):
        return {"scopes": [{"name": HOSTILE, "backend_type": HOSTILE}]}
    return {"secrets": [{"key": HOSTILE, "last_updated_timestamp": 1}]}


def test_names_that_no_workspace_takes_are_shown_as_text_too(page: Tab) -> None:
    page.ask("Fetch.enable", patterns=[{"urlPattern": "*/_local/api/2.0/se*"}])
    page.look_again()
    page.answer_requests(_forged, until="document.querySelector('#scopes .keys li')")
    page.evaluate("document.querySelector('.own summary').click()")
    page.answer_requests(_forged, until="document.querySelector('.own .entities li')")
    for selector in ("#endpoints .own", "#scopes", "#model", "#endpoints .entities"):
        assert HOSTILE in page.evaluate(f"document.querySelector('{selector}').textContent"), selector
    assert page.evaluate("document.querySelectorAll('img, main script').length") == 0
    assert page.evaluate("window.pwned") is None
    assert page.complaints() == []


def test_the_policy_lets_no_text_become_html_and_nothing_be_sent_elsewhere(page: Tab) -> None:
    tried = """
      (async () => {
        const refused = async (attempt) => { try { await attempt() } catch (error) { return error.name } };
        const script = document.createElement("script");
        script.append("window.pwned = 1");
        document.body.append(script);
        return [
          window.pwned ?? "not run",
          await refused(() => { document.body.innerHTML = "<p>" }),
          await refused(() => fetch("http://127.0.0.1:1/")),
        ];
      })()
    """
    assert page.evaluate(tried) == ["not run", "TypeError", "TypeError"]
    assert page.complaints() != []
