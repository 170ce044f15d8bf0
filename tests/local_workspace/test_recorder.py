from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

import pytest

from local_workspace.recorder import MASK, RecordedRequest, RequestLog

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Api

CANARY = "sk-canary-0123456789"
ENDPOINTS = "/api/2.0/serving-endpoints"


def test_requests_are_recorded_with_status_and_identity(
    api: Api, api_of: Callable[..., Api], workspace: LocalWorkspace
) -> None:
    api.ok("GET", "/api/2.0/secrets/scopes/list")
    api_of(workspace.host, None)("GET", ENDPOINTS)
    api("GET", f"{ENDPOINTS}/none")
    assert [each.summary() for each in workspace.requests] == [
        {
            "method": "GET",
            "path": "/api/2.0/secrets/scopes/list",
            "status": 200,
            "identity": "local-admin@example.com",
        },
        {"method": "GET", "path": ENDPOINTS, "status": 401, "identity": None},
        {"method": "GET", "path": f"{ENDPOINTS}/none", "status": 404, "identity": "local-admin@example.com"},
    ]


def test_the_log_over_http_is_the_log_in_process_and_does_not_record_itself(
    api: Api, workspace: LocalWorkspace
) -> None:
    api.ok("GET", "/api/2.0/secrets/scopes/list")
    assert api.ok("GET", "/_local/requests") == {"requests": [each.summary() for each in workspace.requests]}
    assert len(workspace.requests) == 1
    api.ok("DELETE", "/_local/requests")
    assert api.ok("GET", "/_local/requests") == {"requests": []}


def test_an_ordinary_body_can_be_looked_at(api: Api, workspace: LocalWorkspace) -> None:
    api.ok("POST", "/api/2.0/secrets/scopes/create", {"scope": "team"})
    assert workspace.requests[-1].body == {"scope": "team"}
    assert workspace.requests[-1:] == [workspace.requests[0]]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/2.0/secrets/put", {"scope": "s", "key": "k", "string_value": CANARY}),
        ("/api/2.0/secrets/put", {"scope": "s", "key": "k", "bytes_value": CANARY}),
        (ENDPOINTS, {"name": "x", "config": {"served_entities": [{"openai_config": {"openai_api_key": CANARY}}]}}),
        (ENDPOINTS, {"openai_config": {"openai_api_key_plaintext": CANARY}}),
        (ENDPOINTS, {"custom_provider_config": {"bearer_token_auth": {"token": CANARY}}}),
        (ENDPOINTS, {"custom_provider_config": {"api_key_auth": {"key": "h", "value_plaintext": CANARY}}}),
    ],
)
def test_a_key_never_enters_the_log_even_where_a_reference_belongs(
    api: Api, workspace: LocalWorkspace, path: str, body: dict[str, Any]
) -> None:
    api("POST", path, body)
    record = workspace.requests[-1]
    assert MASK in str(record.body)
    assert CANARY not in repr(astuple(record))


@pytest.mark.parametrize(
    "path", ["/serving-endpoints/chat/completions", "/serving-endpoints/databricks-gpt-oss-120b/invocations"]
)
def test_what_was_sent_to_the_wrong_route_is_masked_too(api: Api, workspace: LocalWorkspace, path: str) -> None:
    assert api("POST", path, {"openai_api_key_plaintext": CANARY}).status >= 400
    assert workspace.requests[-1].body == {"openai_api_key_plaintext": MASK}
    assert CANARY not in repr(astuple(workspace.requests[-1]))


def test_a_tag_is_no_key(api: Api, workspace: LocalWorkspace) -> None:
    body = {"name": "chat", "tags": [{"key": "team", "value": "x"}]}
    api.ok("POST", ENDPOINTS, body)
    assert workspace.requests[-1].body == body


def test_a_body_that_is_no_json_is_not_kept(api: Api, workspace: LocalWorkspace) -> None:
    api("POST", "/api/2.0/secrets/put", raw=CANARY.encode())
    assert workspace.requests[-1].body is None
    assert CANARY not in repr(astuple(workspace.requests[-1]))


@pytest.mark.usefixtures("api")
def test_references_stay_readable(workspace: LocalWorkspace, create: Callable[..., dict[str, Any]]) -> None:
    create()
    entity = workspace.requests[-1].body["config"]["served_entities"][0]
    assert entity["external_model"]["openai_config"]["openai_api_key"] == "{{secrets/s/k}}"


def test_an_endpoints_calls_are_counted_whatever_their_route_and_their_end(api: Api, workspace: LocalWorkspace) -> None:
    name = "databricks-gpt-oss-120b"
    body = {"messages": [{"role": "user", "content": "hi"}]}
    api.ok("POST", f"/serving-endpoints/{name}/invocations", body)
    api.ok("POST", "/serving-endpoints/chat/completions", {"model": name, **body})
    api("POST", f"/serving-endpoints/{name}/invocations", {"messages": 1})
    workspace.faults.arm([{"match": {"path": "/serving-endpoints/*"}, "kind": "status"}])
    assert api("POST", f"/serving-endpoints/{name}/served-models/x/invocations", body).status == 503
    api.ok("GET", f"{ENDPOINTS}/{name}")
    assert api.ok("GET", "/_local/traffic") == {"endpoints": {name: {"calls": 4, "errors": 2}}}
    assert set(workspace.requests[0].summary()) == {"method", "path", "status", "identity"}


def test_the_log_forgets_the_oldest_of_large_bodies_first() -> None:
    log = RequestLog()
    large = b"x" * (1 << 20)
    for number in range(40):
        log.add(RecordedRequest("POST", f"/{number}", 200, None, large))
    assert [each.path for each in log] == [f"/{number}" for number in range(8, 40)]
    log.clear()
    log.add(RecordedRequest("POST", "/last", 200, None, large))
    assert [each.path for each in log] == ["/last"]


def test_the_log_keeps_ten_thousand_requests() -> None:
    log = RequestLog()
    for number in range(10_001):
        log.add(RecordedRequest("GET", f"/{number}", 200, None))
    assert (len(log), log[0].path) == (10_000, "/1")
