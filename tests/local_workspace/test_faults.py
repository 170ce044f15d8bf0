from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING

import pytest
import urllib3

from local_workspace.errors import ApiError
from local_workspace.faults import Faults
from local_workspace.resources import foundation

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Api

SCOPES = "/api/2.0/secrets/scopes"
LIST = f"{SCOPES}/list"
CREATE = f"{SCOPES}/create"
ASK = {"messages": [{"role": "user", "content": "say something longer than a few bytes"}]}
FOUNDATION = "/serving-endpoints/databricks-gpt-oss-120b/invocations"
BROKEN = (urllib3.exceptions.ProtocolError,)


def fault(kind: str, method: str = "*", path: str = "*", **fields: object) -> dict[str, Any]:
    return {"match": {"method": method, "path": path}, "kind": kind, **fields}


def names(api: Api) -> list[str]:
    return [each["name"] for each in api.ok("GET", LIST).get("scopes", [])]


def test_a_status_is_given_before_anything_takes_effect(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm(
        [fault("status", "POST", status=429, retry_after=7, error_code="REQUEST_LIMIT_EXCEEDED", message="slow down")]
    )
    answer = api("POST", CREATE, {"scope": "s"})
    assert answer.status == 429
    assert answer.headers["retry-after"] == "7"
    assert answer.body == {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow down"}
    assert names(api) == []


def test_a_status_can_be_given_after_the_effect(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("status", "POST", when="after", status=500)])
    assert api("POST", CREATE, {"scope": "s"}).status == 500
    assert names(api) == ["s"]


@pytest.mark.parametrize("kind", ["lost", "reset"])
@pytest.mark.parametrize(("when", "there"), [("before", []), ("after", ["s"])])
def test_an_answer_is_lost_before_or_after_the_effect(
    api: Api, *, workspace: LocalWorkspace, caplog: pytest.LogCaptureFixture, kind: str, when: str, there: list[str]
) -> None:
    workspace.faults.arm([fault(kind, "POST", when=when)])
    with pytest.raises(BROKEN):
        api("POST", CREATE, {"scope": "s"})
    assert not caplog.records
    assert names(api) == there


def test_a_reset_is_a_tcp_reset(api: Api, workspace: LocalWorkspace) -> None:
    # Without a body: a client that is still sending one may learn of the reset there, and read nothing afterwards.
    workspace.faults.arm([fault("reset", "GET")])
    with pytest.raises(BROKEN, match="reset by peer"):
        api("GET", LIST)


def test_a_truncated_body_looks_complete_and_is_no_json(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("truncate", after_bytes=10)])
    answer = api("GET", "/api/2.0/serving-endpoints")
    assert answer.status == 200
    assert len(answer.body) == 10
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(answer.body)


def test_a_cut_body_breaks_the_connection(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("cut", after_bytes=10)])
    with pytest.raises(BROKEN, match="IncompleteRead"):
        api("GET", "/api/2.0/serving-endpoints")
    api.ok("GET", "/api/2.0/serving-endpoints")


def test_a_slow_body_drips_and_arrives_whole(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("slow", ms=1)])
    started = time.monotonic()
    listed = api.ok("GET", "/api/2.0/serving-endpoints")
    assert len(listed["endpoints"]) == len(foundation.MODELS)
    assert time.monotonic() - started > 0.05


def test_latency_lets_the_answer_wait(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("latency", ms=60)])
    started = time.monotonic()
    api.ok("GET", LIST)
    assert time.monotonic() - started >= 0.06


def stream(api: Api, pool: urllib3.PoolManager) -> urllib3.BaseHTTPResponse:
    return pool.request(
        "POST",
        api.host + FOUNDATION,
        body=json.dumps({**ASK, "stream": True}),
        headers=api._headers,
        preload_content=False,
    )


def test_a_stream_breaks_off_with_an_error_event(
    api: Api, pool: urllib3.PoolManager, workspace: LocalWorkspace
) -> None:
    workspace.faults.arm([fault("stream_error", path="*/invocations", after_bytes=100, message="overloaded")])
    text = stream(api, pool).read().decode()
    last = [line for line in text.splitlines() if line.startswith("data: ")][-1]
    assert json.loads(last.removeprefix("data: "))["error"]["message"] == "overloaded"
    assert "[DONE]" not in text


def test_a_stream_is_cut_within(api: Api, pool: urllib3.PoolManager, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("cut", path="*/invocations", after_bytes=100)])
    answer = stream(api, pool)
    with pytest.raises(BROKEN):
        answer.read()


def test_a_stale_read_shows_the_workspace_before_its_last_write(api: Api, workspace: LocalWorkspace) -> None:
    api.ok("POST", CREATE, {"scope": "old"})
    workspace.faults.arm([fault("stale", "GET", LIST)])
    api.ok("POST", CREATE, {"scope": "new"})
    assert names(api) == ["old"]
    assert names(api) == ["new", "old"]


def test_a_stale_read_of_a_new_endpoint_is_a_404(
    api: Api, workspace: LocalWorkspace, create: Callable[..., dict[str, Any]]
) -> None:
    workspace.faults.arm([fault("stale", "GET", times=2)])
    create()
    path = "/api/2.0/serving-endpoints/chat"
    assert [api("GET", path).status for _ in range(3)] == [404, 404, 200]


def test_without_a_write_nothing_is_stale(api: Api, workspace: LocalWorkspace) -> None:
    api.ok("POST", CREATE, {"scope": "old"})
    workspace.faults.arm([fault("stale", "GET", LIST)])
    assert names(api) == ["old"]


def test_a_write_never_sees_an_older_copy(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("stale", times=1)])
    api.ok("POST", CREATE, {"scope": "s"})
    api.ok("POST", "/api/2.0/secrets/put", {"scope": "s", "key": "k", "string_value": "v"})
    assert api.ok("GET", "/api/2.0/secrets/list", query={"scope": "s"}) == {}


def test_another_workspaces_writes_are_not_what_a_read_lags_behind(
    api: Api, workspace: LocalWorkspace, api_of: Callable[..., Api]
) -> None:
    other = workspace.fork()
    for each in (workspace, other):
        each.faults.arm([fault("stale", "GET", LIST)])
    api.ok("POST", CREATE, {"scope": "new"})
    api_of(other.host, other.token).ok("POST", CREATE, {"scope": "elsewhere"})
    assert names(api) == []
    assert names(api) == ["new"]


def test_a_faults_workspace_is_the_one_of_the_token_that_armed_it(
    api: Api, workspace: LocalWorkspace, api_of: Callable[..., Api]
) -> None:
    other = workspace.fork()
    fork = api_of(other.host, other.token)
    fork.ok("POST", "/_local/faults", {"faults": [fault("status", times=None)]})
    assert fork("GET", LIST).status == 503
    api.ok("GET", LIST)
    api.ok("DELETE", "/_local/faults")
    assert fork("GET", LIST).status == 503


def test_a_trailing_slash_makes_no_difference(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("status", "GET", "/api/2.0/serving-endpoints")])
    assert api("GET", "/api/2.0/serving-endpoints/").status == 503


def test_an_error_code_may_be_a_number_as_the_gateway_writes_it(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("status", status=403, error_code=403, message="Invalid access token.")])
    assert api("GET", LIST).body == {"error_code": 403, "message": "Invalid access token."}


def test_offset_and_times_say_which_matching_requests_are_hit(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("status", "GET", "/api/2.0/secrets/*", offset=1, times=2)])
    api.ok("GET", "/api/2.0/serving-endpoints")
    assert [api("GET", LIST).status for _ in range(5)] == [200, 503, 503, 200, 200]


def test_without_times_every_matching_request_is_hit(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("status", times=None)])
    assert {api("GET", LIST).status for _ in range(5)} == {503}
    workspace.faults.clear()
    api.ok("GET", LIST)


def test_faults_are_armed_and_cleared_over_http(api: Api) -> None:
    armed = api.ok("POST", "/_local/faults", {"faults": [fault("status", status=502, times=9)], "seed": 1})
    assert armed == {"armed": 1}
    assert api("GET", LIST).status == 502
    api.ok("DELETE", "/_local/faults")
    api.ok("GET", LIST)


def test_what_is_armed_is_listed_with_what_it_did_and_can_be_armed_again(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("status", "GET", LIST, status=429, offset=1), fault("cut", times=None)])
    for _ in range(3):
        with contextlib.suppress(*BROKEN):
            api("GET", LIST)
    armed = api.ok("GET", "/_local/faults")["armed"]
    assert armed == workspace.faults.view()
    assert [(each["matched"], each["hit"], each["spent"]) for each in armed] == [(2, 1, True), (3, 3, False)]
    assert (
        armed[0]["fault"] | {"status": 429, "offset": 1, "match": {"method": "GET", "path": LIST}} == armed[0]["fault"]
    )
    api.ok("DELETE", "/_local/faults")
    api.ok("POST", "/_local/faults", {"faults": [each["fault"] for each in armed]})
    assert [each["fault"] for each in workspace.faults.view()] == [each["fault"] for each in armed]


def test_the_same_seed_hits_the_same_requests() -> None:
    def hits(seed: int) -> list[bool]:
        faults = Faults()
        faults.arm([fault("status", times=None, probability=0.3)], seed=seed)
        return [bool(faults.take("GET", "/x")) for _ in range(50)]

    assert hits(7) == hits(7)
    assert hits(7) != hits(8)
    assert 0 < sum(hits(7)) < 50


def test_several_faults_hit_one_request(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("latency", ms=30), fault("status", status=500)])
    started = time.monotonic()
    assert api("GET", LIST).status == 500
    assert time.monotonic() - started >= 0.03


def test_faults_break_what_comes_without_a_token_too(workspace: LocalWorkspace, api_of: Callable[..., Api]) -> None:
    workspace.faults.arm([fault("status", path="/.well-known/*")])
    assert api_of(workspace.host, None)("GET", "/.well-known/databricks-config").status == 503


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "explode"},
        {"kind": "status", "when": "later"},
        {"kind": "status", "times": -1},
        {"kind": "status", "status": "500"},
        {"kind": "status", "colour": "red"},
        {"kind": "status", "match": {"verb": "GET"}},
        {"kind": "latency", "ms": "long"},
        {"kind": "status", "message": 7},
        {"kind": "status", "status": 0},
        {"kind": "status", "status": 204},
        {"kind": "status", "status": 600},
        {"kind": "status", "error_code": None},
        {"kind": "status", "path": "/api/*"},
        {"kind": "status", "match": {"kind": "lost"}},
        {"kind": "status", "match": []},
        {"kind": ["status"]},
        {"kind": "latency", "ms": 10**400},
        {"kind": "latency", "ms": True},
        {"kind": "status", "probability": 2},
        {"match": {}},
        "status",
    ],
)
def test_what_is_no_fault_is_refused_and_nothing_is_armed(api: Api, workspace: LocalWorkspace, wrong: object) -> None:
    assert api("POST", "/_local/faults", {"faults": [fault("status"), wrong]}).error == (400, "INVALID_PARAMETER_VALUE")
    api.ok("GET", LIST)
    with pytest.raises(ApiError):
        workspace.faults.arm([wrong])


@pytest.mark.parametrize("kind", ["lost", "reset", "cut"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_broken_connection_is_nothing_that_the_server_complains_about(
    api: Api, workspace: LocalWorkspace, caplog: pytest.LogCaptureFixture, kind: str, when: str
) -> None:
    workspace.faults.arm([fault(kind, "POST", when=when, times=None, after_bytes=1000)])
    for number in range(20):
        with pytest.raises(BROKEN):
            api("POST", CREATE, {"scope": f"s{number}"})
    assert caplog.text == ""


def test_a_reset_comes_when_the_request_is_complete(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("reset", "POST", times=None)])
    for _ in range(20):
        with pytest.raises(BROKEN, match="reset by peer"):
            api("POST", CREATE, {"scope": "s"})


@pytest.mark.parametrize("kind", ["status", "lost", "reset"])
def test_a_request_that_took_no_effect_is_recorded_with_what_it_asked(
    api: Api, workspace: LocalWorkspace, kind: str
) -> None:
    workspace.faults.arm([fault(kind, "POST")])
    with contextlib.suppress(*BROKEN):
        api("POST", CREATE, {"scope": "s"})
    assert workspace.requests[-1].body == {"scope": "s"}


@pytest.mark.parametrize("after_bytes", [0, 1, 2, 1000])
def test_however_short_the_body_is_its_end_is_missing(api: Api, workspace: LocalWorkspace, after_bytes: int) -> None:
    workspace.faults.arm([fault("truncate", after_bytes=after_bytes)])
    assert api("GET", LIST).body == "{"[:after_bytes]


def test_an_answer_that_is_no_event_stream_has_no_error_event(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("stream_error", times=None)])
    assert api.ok("GET", LIST) == {}


@pytest.mark.parametrize("document", [{}, {"fault": []}, {"faults": [], "seed": "one"}, {"faults": [], "seed": [1]}])
def test_what_arms_no_faults_is_refused(api: Api, document: object) -> None:
    assert api("POST", "/_local/faults", document).error == (400, "INVALID_PARAMETER_VALUE")


def test_whoever_saw_a_connection_break_finds_the_request_in_the_log(api: Api, workspace: LocalWorkspace) -> None:
    workspace.faults.arm([fault("lost", "POST", times=None), fault("cut", "GET", times=None)])
    for _ in range(50):
        with pytest.raises(BROKEN):
            api("POST", CREATE, {"scope": "s"})
        with pytest.raises(BROKEN):
            api("GET", LIST)
        assert [(each.method, each.status) for each in workspace.requests] == [("POST", 0), ("GET", 200)]
        workspace.requests.clear()
