"""Streams pass from the upstream to the caller as they come, and a cut one never looks complete."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING

import pytest
import urllib3

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from local_workspace import LocalWorkspace
    from tests.local_workspace.upstreams.conftest import Upstream

CALL = "/serving-endpoints/chat/invocations"
BODY = {"messages": [{"role": "user", "content": "count to 3"}], "stream": True}
DELTA = b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.fixture
def call(workspace: LocalWorkspace, pool: urllib3.PoolManager) -> Callable[..., urllib3.BaseHTTPResponse]:
    """Sends a streaming request and returns the unread response."""

    def send(path: str = CALL, body: dict[str, Any] = BODY) -> urllib3.BaseHTTPResponse:
        headers = {"Authorization": f"Bearer {workspace.token}"}
        return pool.request(
            "POST", f"{workspace.host}{path}", body=json.dumps(body), headers=headers, preload_content=False
        )

    return send


@pytest.fixture
def endpoint(
    on_upstream: Callable[..., None],
) -> None:
    on_upstream()


@pytest.mark.usefixtures("endpoint")
def test_the_upstreams_bytes_pass_unchanged(call: Callable[..., urllib3.BaseHTTPResponse], upstream: Upstream) -> None:
    upstream.will_stream(DELTA, DELTA + END, DONE)
    response = call()
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["served-model-name"] == "entity-0"
    assert response.read() == DELTA + DELTA + END + DONE


@pytest.mark.usefixtures("endpoint")
def test_invocations_keep_data_lines_alone_and_end_with_done(
    call: Callable[..., urllib3.BaseHTTPResponse], upstream: Upstream
) -> None:
    upstream.will_stream(
        b": keep-alive\n\nevent: delta\nid: 1\n" + DELTA[:20], DELTA[20:].replace(b"\n", b"\r\n") + b"retry: 3\n\n", END
    )
    assert call().read() == DELTA + END + DONE


@pytest.mark.usefixtures("endpoint")
def test_openais_routes_pass_named_events_untouched(
    call: Callable[..., urllib3.BaseHTTPResponse], upstream: Upstream
) -> None:
    named = b'event: response.created\ndata: {"type":"response.created"}\n\n'
    upstream.will_stream(b": hello\n\n", named)
    response = call("/serving-endpoints/responses", {"model": "chat", "input": "x", "stream": True})
    assert response.read() == b": hello\n\n" + named


@pytest.mark.parametrize("path", [CALL, "/serving-endpoints/chat/completions"])
@pytest.mark.usefixtures("endpoint")
def test_a_cut_upstream_cuts_the_answer(
    call: Callable[..., urllib3.BaseHTTPResponse], upstream: Upstream, path: str
) -> None:
    upstream.will_stream(DELTA, DELTA, complete=False)
    response = call(path, {**BODY, "model": "chat"})
    heard: list[bytes] = []
    with pytest.raises(urllib3.exceptions.ProtocolError):
        heard.extend(response.stream())
    assert b"".join(heard) == DELTA + DELTA


@pytest.mark.usefixtures("endpoint")
def test_a_stream_that_ends_without_a_reason_gets_no_done(
    call: Callable[..., urllib3.BaseHTTPResponse], upstream: Upstream
) -> None:
    upstream.will_stream(DELTA)
    assert call().read() == DELTA


@pytest.mark.usefixtures("endpoint")
def test_an_error_before_the_stream_keeps_its_status(
    call: Callable[..., urllib3.BaseHTTPResponse], upstream: Upstream
) -> None:
    upstream.will_send(429, {"error": {"message": "slow down"}})
    response = call()
    assert response.status == 429
    assert json.loads(response.read())["external_model_message"] == {"error": {"message": "slow down"}}


@pytest.mark.usefixtures("endpoint")
def test_a_caller_that_leaves_ends_the_upstream_call(
    call: Callable[..., urllib3.BaseHTTPResponse], upstream: Upstream
) -> None:
    upstream.will_stream_until_gone(DELTA)
    response = call()
    assert response.read(len(DELTA)) == DELTA
    response.close()
    assert upstream.gone.wait(timeout=10)


@pytest.mark.usefixtures("endpoint")
def test_one_connection_to_the_upstream_serves_several_calls(
    call: Callable[..., urllib3.BaseHTTPResponse], upstream: Upstream
) -> None:
    for _ in range(3):
        upstream.will_stream(END, DONE)
        call().read()
    assert len(upstream.received) == 3
    assert len({each.port for each in upstream.received}) == 1


@pytest.mark.usefixtures("endpoint")
def test_a_caller_that_does_not_wait_for_its_answer_ends_the_upstream_call(
    workspace: LocalWorkspace, upstream: Upstream
) -> None:
    upstream.will_wait_until_gone()
    body = json.dumps({"messages": BODY["messages"]})
    connection = http.client.HTTPConnection(workspace.host.removeprefix("http://"))
    connection.request("POST", CALL, body=body, headers={"Authorization": f"Bearer {workspace.token}"})
    assert upstream.asked.wait(timeout=10)
    connection.close()
    assert upstream.gone.wait(timeout=10)


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("path", [CALL, "/serving-endpoints/chat/completions"])
def test_an_upstream_that_never_ends_is_broken_off(
    upstream: Upstream, call: Callable[..., urllib3.BaseHTTPResponse], path: str
) -> None:
    upstream.will_stream_until_gone(b"x" * 2**20)
    answer = call(path, {**BODY, "model": "chat"})
    sizes: list[int] = []
    with pytest.raises(urllib3.exceptions.ProtocolError):
        sizes.extend(map(len, answer.stream(2**20)))
    assert sum(sizes) <= 64 * 2**20
    assert upstream.gone.wait(10)
