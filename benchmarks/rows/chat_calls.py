"""Calls and streams of `chat`, and those of its peers, to an endpoint that costs next to nothing."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.endpoint import ENDPOINT, PATH, TOKEN, endpoint
from benchmarks.harness import Bench, Case, Row, Target, differences, ratios, take_turns
from benchmarks.workers import Worker

if TYPE_CHECKING:
    from benchmarks.harness import Measured

CONCURRENT = (64, 256, 512)
_PEERS_AT_ONCE = ("databricks-langchain", "openai", "langchain-openai")
_ALONE = "langchain-core alone"
_NOTE = (
    "langchain-core alone is a model of its own that answers at once: what any client costs under LangChain at least"
)


@dataclass(frozen=True)
class _Workers:
    """Who makes the calls, each in a process of its own.

    Attributes:
        bare: no client.
        ours: our clients, which load no LangChain.
        model: our LangChain model.
        alone: LangChain without a client.
        theirs: the peers, if they take part.
    """

    bare: Worker
    ours: Worker
    model: Worker
    alone: Worker
    theirs: Worker | None


def measure(bench: Bench) -> list[Row]:
    """Compare one call after the other, streams, and many calls at once."""
    with ExitStack() as stack:
        setting = settings(bench, stack.enter_context(endpoint()))
        workers = _Workers(
            bare=stack.enter_context(Worker(bench.python, "clients.bare", setting)),
            ours=stack.enter_context(Worker(bench.python, "clients.ours", setting)),
            model=stack.enter_context(Worker(bench.python, "clients.ours", setting)),
            alone=stack.enter_context(Worker(bench.python, "clients.alone", setting)),
            theirs=stack.enter_context(Worker(bench.peers, "clients.theirs", setting)) if bench.peers else None,
        )
        return [
            *_calls(bench, workers),
            *_streams(bench, workers),
            *_at_once(bench, workers),
            *_at_once_beside_peers(bench, workers),
        ]


def settings(bench: Bench, host: str) -> dict[str, object]:
    """Return what the clients are told."""
    return {
        "host": host,
        "path": PATH,
        "endpoint": ENDPOINT,
        "token": TOKEN,
        "calls": bench.size(200, 10),
        "calls_at_once": bench.size(600, 10),
        "concurrent": CONCURRENT,
        "prompts": bench.size(10_000, 100),
        "concurrency": 64,
        "scratch": str(bench.folder("clients")),
    }


def _case(name: str, worker: Worker, case: str) -> Case:
    return Case(name, lambda: worker.per_unit(case))


def _calls(bench: Bench, workers: _Workers) -> list[Row]:
    cases = [
        _case("http.client", workers.bare, "invoke"),
        _case("ChatClient", workers.ours, "invoke"),
        _case("ChatDatabricks", workers.model, "langchain-invoke"),
        _case(_ALONE, workers.alone, "invoke"),
        *([_case("databricks-langchain", workers.theirs, "langchain-invoke")] if workers.theirs else []),
    ]
    base, client, model, alone, *peer = take_turns(cases, rounds=bench.rounds, unit="µs a call")
    what = "`ChatDatabricks.invoke`"
    rows = [Row("`ChatClient.invoke`, one call", (client, base), ratios(client, base), "times", Target("≤", 2))]
    for their in peer:
        faster, above = ratios(their, model), _ratios_above(base, their, model)
        rows += [
            Row(f"{what}, in all", (model, their, alone), faster, "times faster", Target("≥", 2.5), note=_NOTE),
            Row(f"{what}, above http.client", (model, their, base), above, "times less", Target("≥", 3.3)),
        ]
    return rows


def _ratios_above(base: Measured, theirs: Measured, ours: Measured) -> tuple[float, ...]:
    above = zip(differences(theirs, base), differences(ours, base), strict=True)
    return tuple(their / our for their, our in above)


def _streams(bench: Bench, workers: _Workers) -> list[Row]:
    cases = [
        _case("http.client and json", workers.bare, "stream"),
        _case("ChatClient", workers.ours, "stream"),
        _case("ChatDatabricks", workers.model, "langchain-stream"),
        _case(_ALONE, workers.alone, "stream"),
        *([_case("databricks-langchain", workers.theirs, "langchain-stream")] if workers.theirs else []),
    ]
    base, client, model, alone, *peer = take_turns(cases, rounds=bench.rounds, unit="µs a chunk")
    what = "`ChatDatabricks.stream`, a chunk"
    return [
        Row("`ChatClient.stream`, a chunk", (client, base), ratios(client, base), "times"),
        *(Row(what, (model, their, alone), ratios(their, model), "times cheaper", Target("≥", 6)) for their in peer),
    ]


def _at_once(bench: Bench, workers: _Workers) -> list[Row]:
    rows = []
    for many in CONCURRENT:
        cases = [
            _case("aiohttp", workers.bare, f"ainvoke-{many}"),
            _case("AsyncChatClient", workers.ours, f"ainvoke-{many}"),
        ]
        base, client = take_turns(cases, rounds=bench.rounds, unit="µs a call")
        throughput = ratios(base, client)
        what = f"`AsyncChatClient`, {many} at once"
        rows.append(Row(what, (client, base), throughput, "times the throughput", Target("≥", 0.6)))
    return rows


def _at_once_beside_peers(bench: Bench, workers: _Workers) -> list[Row]:
    theirs = workers.theirs
    if theirs is None:
        return []
    cases = [
        _case("AsyncChatClient", workers.ours, "ainvoke-64"),
        _case("ChatDatabricks", workers.model, "langchain-ainvoke-64"),
        _case(_ALONE, workers.alone, "ainvoke-64"),
        *(_case(name, theirs, name) for name in _PEERS_AT_ONCE),
    ]
    client, model, alone, *peers = take_turns(cases, rounds=bench.rounds, unit="µs a call")
    unit = "times the throughput"
    rows = [
        Row("`AsyncChatClient`, 64 at once", (client, peer), ratios(peer, client), unit, Target("≥", 15))
        for peer in peers
    ]
    what, faster = "`ChatDatabricks.ainvoke`, 64 at once", ratios(peers[0], model)
    return [*rows, Row(what, (model, peers[0], alone), faster, unit, Target("≥", 8), note=_NOTE)]
