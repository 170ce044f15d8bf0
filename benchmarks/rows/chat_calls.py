"""Calls and streams of `chat`, and those of its peers, to an endpoint that costs next to nothing."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks.endpoint import ENDPOINT, PATH, TOKEN, endpoint
from benchmarks.harness import Bench, Case, Row, Target, differences, ratios, take_turns
from benchmarks.workers import Worker

if TYPE_CHECKING:
    from benchmarks.harness import Measured

CONCURRENT = (64, 256, 512)
_PEERS_AT_ONCE = ("databricks-langchain", "openai", "langchain-openai")


def measure(bench: Bench) -> list[Row]:
    """Compare one call after the other, streams, and many calls at once."""
    with ExitStack() as stack:
        setting = settings(bench, stack.enter_context(endpoint()))
        bare = stack.enter_context(Worker(bench.python, "clients.bare", setting))
        ours = stack.enter_context(Worker(bench.python, "clients.ours", setting))
        theirs = stack.enter_context(Worker(bench.peers, "clients.theirs", setting)) if bench.peers else None
        return [
            *_calls(bench, bare, ours, theirs),
            *_streams(bench, bare, ours, theirs),
            *_at_once(bench, bare, ours),
            *_at_once_beside_peers(bench, ours, theirs),
        ]


def settings(bench: Bench, host: str) -> dict[str, object]:
    """Return what the clients are told."""
    return {
        "host": host,
        "path": PATH,
        "endpoint": ENDPOINT,
        "token": TOKEN,
        "calls": bench.size(200, 10),
        "concurrent": CONCURRENT,
        "prompts": bench.size(10_000, 100),
        "concurrency": 64,
        "scratch": str(bench.folder("clients")),
    }


def _case(name: str, worker: Worker, case: str) -> Case:
    return Case(name, lambda: worker.per_unit(case))


def _calls(bench: Bench, bare: Worker, ours: Worker, theirs: Worker | None) -> list[Row]:
    cases = [
        _case("http.client", bare, "invoke"),
        _case("ChatClient", ours, "invoke"),
        _case("ChatDatabricks", ours, "langchain-invoke"),
        *([_case("databricks-langchain", theirs, "langchain-invoke")] if theirs else []),
    ]
    base, client, model, *peer = take_turns(cases, rounds=bench.rounds, unit="µs a call")
    rows = [Row("`ChatClient.invoke`, one call", (client, base), ratios(client, base), "times", Target("≤", 2))]
    for their in peer:
        faster, above = ratios(their, model), _ratios_above(base, their, model)
        what = "`ChatDatabricks.invoke`"
        rows += [
            Row(f"{what}, in all", (model, their), faster, "times faster", Target("≥", 2.5)),
            Row(f"{what}, above http.client", (model, their), above, "times less", Target("≥", 3.3)),
        ]
    return rows


def _ratios_above(base: Measured, theirs: Measured, ours: Measured) -> tuple[float, ...]:
    above = zip(differences(theirs, base), differences(ours, base), strict=True)
    return tuple(their / our for their, our in above)


def _streams(bench: Bench, bare: Worker, ours: Worker, theirs: Worker | None) -> list[Row]:
    cases = [
        _case("http.client and json", bare, "stream"),
        _case("ChatClient", ours, "stream"),
        _case("ChatDatabricks", ours, "langchain-stream"),
        *([_case("databricks-langchain", theirs, "langchain-stream")] if theirs else []),
    ]
    base, client, model, *peer = take_turns(cases, rounds=bench.rounds, unit="µs a chunk")
    return [
        Row("`ChatClient.stream`, a chunk", (client, base), ratios(client, base), "times"),
        *(
            Row(
                "`ChatDatabricks.stream`, a chunk",
                (model, their),
                ratios(their, model),
                "times cheaper",
                Target("≥", 6),
            )
            for their in peer
        ),
    ]


def _at_once(bench: Bench, bare: Worker, ours: Worker) -> list[Row]:
    rows = []
    for many in CONCURRENT:
        cases = [_case("aiohttp", bare, f"ainvoke-{many}"), _case("AsyncChatClient", ours, f"ainvoke-{many}")]
        base, client = take_turns(cases, rounds=bench.rounds, unit="µs a call")
        throughput = ratios(base, client)
        what = f"`AsyncChatClient`, {many} at once"
        rows.append(Row(what, (client, base), throughput, "times the throughput", Target("≥", 0.6)))
    return rows


def _at_once_beside_peers(bench: Bench, ours: Worker, theirs: Worker | None) -> list[Row]:
    if theirs is None:
        return []
    cases = [
        _case("AsyncChatClient", ours, "ainvoke-64"),
        _case("ChatDatabricks", ours, "langchain-ainvoke-64"),
        *(_case(name, theirs, name) for name in _PEERS_AT_ONCE),
    ]
    client, model, *peers = take_turns(cases, rounds=bench.rounds, unit="µs a call")
    return [
        *(
            Row(
                "`AsyncChatClient`, 64 at once",
                (client, peer),
                ratios(peer, client),
                "times the throughput",
                Target("≥", 15),
            )
            for peer in peers
        ),
        Row(
            "`ChatDatabricks.ainvoke`, 64 at once",
            (model, peers[0]),
            ratios(peers[0], model),
            "times the throughput",
            Target("≥", 8),
        ),
    ]
