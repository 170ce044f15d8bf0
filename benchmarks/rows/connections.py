"""How many TCP connections calls and streams open, as the server counts them."""

from __future__ import annotations

from benchmarks.endpoint import connections, endpoint
from benchmarks.harness import Bench, Row, Target, count_row
from benchmarks.rows.chat_calls import settings
from benchmarks.workers import Worker


def measure(bench: Bench) -> list[Row]:
    """Count those of 5 times 64 calls at once, and of 10 streams one after the other, each by a new client."""
    with endpoint() as host, Worker(bench.python, "clients.ours", settings(bench, host)) as ours:
        ours.run("five-times-64")
        calls = connections(host)
        ours.run("ten-streams")
        streams = connections(host)
    return [
        _row("TCP connections of 5 times 64 calls at once", calls, least=64, name="AsyncChatClient"),
        _row("TCP connections of 10 streams", streams, least=1, name="ChatClient"),
    ]


def _row(what: str, count: int, *, least: int, name: str) -> Row:
    return count_row(what, count, target=Target("=", least), name=name, unit="connections")
