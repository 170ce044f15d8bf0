"""The local workspace beside what it stands on: a bare starlette application on uvicorn, which is its upstream too.

A proxied call goes client, local workspace, upstream and back; what it adds is held against the same call sent to the
upstream directly. Streams have one event a send, as models write them.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.endpoint import CHUNKS, ENDPOINT, PATH
from benchmarks.harness import Bench, Case, Row, Target, differences, ratios, take_turns
from benchmarks.processes import users_environment
from benchmarks.workers import ROOT, Worker
from benchmarks.workload import workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.workload import Workspace

_BARE = ("-m", "benchmarks.bare_starlette")
_OURS = ("-m", "local_workspace", "serve")
_LOOK = f"/api/2.0/serving-endpoints/{ENDPOINT}"
_MESSAGES = [{"role": "user", "content": "hi"}]


def measure(bench: Bench) -> list[Row]:
    """Compare starts, then rates and the cost of a proxied call."""
    with _bare(bench) as bare, workspace(bench) as ours:
        _make_endpoint(ours, upstream=bare)
        with Worker(bench.python, "clients.load", _asked(bench, bare, ours)) as load:
            rows = _rates(bench, load)
    return [_start(bench), *rows]


def _start(bench: Bench) -> Row:
    cases = [
        Case("local workspace", lambda: _to_first_answer(bench, _OURS)),
        Case("bare starlette on uvicorn", lambda: _to_first_answer(bench, _BARE)),
    ]
    ours, bare = take_turns(cases, rounds=bench.rounds, unit="ms")
    return Row(
        "local workspace: start to the first answer", (ours, bare), ratios(ours, bare), "times", Target("≤", 1.3)
    )


def _to_first_answer(bench: Bench, command: tuple[str, ...]) -> float:
    started = time.perf_counter()
    with _running(bench, command) as told:
        asking = http.client.HTTPConnection(urlsplit(told["host"]).netloc)
        with contextlib.closing(asking):
            asking.request("GET", _LOOK, headers={"Authorization": f"Bearer {told['token']}"})
            asking.getresponse().read()
        return (time.perf_counter() - started) * 1e3


def _rates(bench: Bench, load: Worker) -> list[Row]:
    rows = []
    for what, case, unit, scale in (
        ("requests/s", "get", "µs a request", 1e6),
        ("SSE chunks/s through the proxy", "stream", "µs a chunk", 1e6 / CHUNKS),
    ):
        ours, bare = take_turns(_pair(load, case, scale), rounds=bench.rounds, unit=unit)
        target = Target("≥", 0.5)
        rows.append(Row(f"local workspace: {what}", (ours, bare), ratios(bare, ours), "times the rate", target))
    proxied, direct = take_turns(_pair(load, "call", 1e3), rounds=bench.rounds, unit="ms")
    added = differences(proxied, direct)
    note = "A good third is the HTTP client's, a tenth the sockets'; the rest is spread over server and middleware."
    rows.append(Row("local workspace: a proxied call", (proxied, direct), added, "ms more", Target("≤", 1), note=note))
    return rows


def _pair(load: Worker, case: str, scale: float) -> list[Case]:
    return [
        Case("local workspace", lambda: load.per_unit(f"ours-{case}", scale=scale)),
        Case("bare starlette on uvicorn", lambda: load.per_unit(f"bare-{case}", scale=scale)),
    ]


def _asked(bench: Bench, bare: str, ours: Workspace) -> dict[str, object]:
    whole, stream = (json.dumps({"messages": _MESSAGES, **more}) for more in ({}, {"stream": True}))
    servers = {"bare": {"host": bare, "token": "none"}, "ours": {"host": ours.host, "token": ours.token}}
    asked: dict[str, dict[str, object]] = {
        "get": {"method": "GET", "path": _LOOK, "body": "", "times": bench.size(8000, 64), "one_by_one": False},
        "stream": {"method": "POST", "path": PATH, "body": stream, "times": bench.size(64, 16), "one_by_one": False},
        "call": {"method": "POST", "path": PATH, "body": whole, "times": bench.size(500, 10), "one_by_one": True},
    }
    return {f"{name}-{case}": {**where, **how} for name, where in servers.items() for case, how in asked.items()}


def _make_endpoint(ours: Workspace, *, upstream: str) -> None:
    ours.ask("POST", "/api/2.0/secrets/scopes/create", {"scope": ENDPOINT})
    ours.ask("POST", "/api/2.0/secrets/put", {"scope": ENDPOINT, "key": "key", "string_value": "sk-benchmark"})
    provider = {"openai_api_key": f"{{{{secrets/{ENDPOINT}/key}}}}", "openai_api_base": upstream}
    model = {"provider": "openai", "name": "gpt-4o", "task": "llm/v1/chat", "openai_config": provider}
    config = {"served_entities": [{"name": "openai", "external_model": model}]}
    ours.ask("POST", "/api/2.0/serving-endpoints", {"name": ENDPOINT, "config": config})


@contextlib.contextmanager
def _bare(bench: Bench) -> Iterator[str]:
    with _running(bench, _BARE) as told:
        yield told["host"]


@contextlib.contextmanager
def _running(bench: Bench, command: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Run a server, and yield what its first line tells."""
    child = subprocess.Popen(
        [str(bench.python), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env=users_environment(),
    )
    try:
        if child.stdout is None:
            raise AssertionError("its stdout is a pipe")
        yield json.loads(child.stdout.readline())
    finally:
        child.terminate()
        child.communicate(timeout=30)
