"""A file of prompts answered into another, beside a loop over databricks-langchain's `abatch` that writes likewise."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.endpoint import endpoint
from benchmarks.harness import Bench, Case, Row, Target, ratios, take_turns
from benchmarks.rows.chat_calls import settings
from benchmarks.workers import Worker

_MOST_ROUNDS = 3
"""A round takes the peer half a minute."""


def measure(bench: Bench) -> list[Row]:
    """Compare the time of the whole batch; without the peer there is nothing to compare."""
    if bench.peers is None:
        return []
    with ExitStack() as stack:
        setting = settings(bench, stack.enter_context(endpoint()))
        ours = stack.enter_context(Worker(bench.python, "clients.ours", setting))
        theirs = stack.enter_context(Worker(bench.peers, "clients.theirs", setting))
        cases = [
            Case("chat.abatch", lambda: ours.run("batch").seconds),
            Case("loop over databricks-langchain's abatch", lambda: theirs.run("batch").seconds),
        ]
        rounds = min(bench.rounds, _MOST_ROUNDS)
        batch, loop = take_turns(cases, rounds=rounds, unit="s", warm_up=False)
    what = f"batch of {setting['prompts']:,} prompts, {setting['concurrency']} at once"
    return [Row(what, (batch, loop), ratios(loop, batch), "times faster", Target("≥", 8))]
