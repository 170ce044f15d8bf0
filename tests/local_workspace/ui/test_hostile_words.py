"""The page in a real browser, shown words that would be HTML: they stay words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Api
    from tests.local_workspace.ui.conftest import Tab

CALL = "/serving-endpoints/databricks-gpt-5/invocations"
HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'


def test_what_clients_sent_is_shown_as_text(page: Tab, api: Api, workspace: LocalWorkspace) -> None:
    api("GET", "/api/2.0/%3Cimg%20src=x%20onerror=%22window.pwned=1%22%3E")
    workspace.faults.arm([{"match": {"path": HOSTILE}, "kind": "lost"}])
    workspace.faults.arm([{"match": {"path": CALL}, "kind": "status", "error_code": HOSTILE, "message": HOSTILE}])
    page.look_again()
    page.see_text("#calls tbody", "<img src=x")
    page.see_text("#calls .unknown", "<img src=x")
    page.see_text("#faults .armed", HOSTILE)
    page.ask_model(HOSTILE)
    page.see_text(".turns", f"503 {HOSTILE}: {HOSTILE}")
    page.answered(HOSTILE)
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
