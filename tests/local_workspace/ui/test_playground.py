"""The playground in a real browser: streams that go well, that break, and that are stopped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from local_workspace import LocalWorkspace
    from tests.local_workspace.ui.conftest import Tab

CALL = "/serving-endpoints/databricks-gpt-5/invocations"


def test_an_answer_streams_and_the_conversation_goes_on(page: Tab, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([{"match": {"path": CALL}, "kind": "slow", "ms": 1}])
    page.evaluate(
        "window.seen = []; new MutationObserver(() => window.seen.push(document.querySelector('.turns').innerText))"
        ".observe(document.querySelector('.turns'), {subtree: true, characterData: true, childList: true})"
    )
    page.answered("first question")
    assert len(set(page.evaluate("window.seen"))) > 3
    assert "token" in page.text("#playground .figures")
    page.answered("second question")
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
    page.ask_model("broken question")
    page.see_text(".turns", said)
    workspace.faults.clear()
    page.answered("whole question")
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
