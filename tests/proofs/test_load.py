"""A thousand streams at once and calls as fast as they are answered: no error, and no growth."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from proving.load import Load, model

from local_workspace.state_folder import StateFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proving.sizes import Proof

GROWTH_MB = 32
"""What the server may take more at the end than once the streams are open: its request log, full, is the most of it."""

OPENED_ONCE = 16
"""Files that the server opens for the first calls and keeps, those of the simulated providers."""

ENDPOINTS = "/api/2.0/serving-endpoints"
_TABLE = {
    "inference_table_config": {"enabled": True, "catalog_name": "c", "schema_name": "s", "table_name_prefix": "t"}
}


def _path(endpoint: str) -> str:
    return f"/serving-endpoints/{endpoint}/invocations"


_HI = {"messages": [{"role": "user", "content": "hi"}]}
_CALLS = [
    *[(f"{ENDPOINTS}/plain", None)] * 4,
    *[("/api/2.0/secrets/scopes/list", None)] * 2,
    *[(_path("databricks-gpt-oss-120b"), _HI)] * 4,
    *[(_path("plain"), _HI)] * 4,
    (_path("written"), _HI),
]

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is looked up in /proc")


class Served:
    """A workspace in a process of its own, that keeps its state."""

    def __init__(self, process: subprocess.Popen[str], told: dict[str, str]) -> None:
        self.host, self.token = told["host"], told["token"]
        self._process = Path(f"/proc/{process.pid}")

    def memory_mb(self) -> float:
        status = dict(line.split(":", 1) for line in (self._process / "status").read_text().splitlines())
        return int(status["VmRSS"].split()[0]) / 1024

    def files(self) -> int:
        return len(list((self._process / "fd").iterdir()))


@contextmanager
def serving(state: Path) -> Iterator[Served]:
    command = [sys.executable, "-m", "local_workspace", "serve", "--deploy-seconds", "0", "--state", str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Served(process, json.loads(process.stdout.readline()))
        finally:
            process.terminate()
            _, said = process.communicate(timeout=120)
        assert "Traceback" not in said, said


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many files as this process may have; the server sees to its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_a_load_ends_without_an_error_and_without_growth(proof: Proof, tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        written_down = asyncio.run(_load(served, proof))
    with contextlib.closing(sqlite3.connect(StateFolder(tmp_path).database)) as database:
        assert database.execute("SELECT count(*) FROM table_rows").fetchone() == (written_down,)


async def _load(served: Served, proof: Proof) -> int:
    """Put a server under load; return how many calls it has written down."""
    streams, seconds = proof.size(quick=200, full=1000), proof.size(quick=10, full=600)
    before = served.files()
    async with model(streams / 1000) as base, _client(served) as session:
        await _make_endpoint(session, "plain", base)
        await _make_endpoint(session, "written", base, ai_gateway=_TABLE)
        load = Load(session, dice=proof.dice())
        await load.run(_path("plain"), streams=streams, calls=_CALLS, seconds=seconds / 10)
        memory = served.memory_mb()
        await load.run(_path("plain"), streams=streams, calls=_CALLS, seconds=seconds)
        growth = served.memory_mb() - memory
    assert growth < GROWTH_MB
    assert load.most_open > streams / 2  # all of them, unless the machine is busy; the line at the end says
    assert await _comes_down_to(before + OPENED_ONCE, served)
    for unit, count in (("streams", load.streams), ("at once", load.most_open), ("events", load.events)):
        proof.tried(unit, count)
    proof.tried("calls", load.calls.total())
    proof.tried("MB more", round(growth))
    return load.calls[_path("written")]


def _client(served: Served) -> aiohttp.ClientSession:
    headers = {"Authorization": f"Bearer {served.token}"}
    # A thousand clients on a machine with better things to do take a while to get their turn.
    patience = aiohttp.ClientTimeout(total=300, sock_connect=None)
    connector = aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(served.host, headers=headers, connector=connector, timeout=patience)


async def _make_endpoint(session: aiohttp.ClientSession, name: str, base: str, **more: object) -> None:
    provider = {"openai_api_key_plaintext": "sk-load", "openai_api_base": base}
    external = {"provider": "openai", "name": "gpt-4o", "task": "llm/v1/chat", "openai_config": provider}
    config = {"served_entities": [{"name": "openai", "external_model": external}]}
    async with session.post(ENDPOINTS, json={"name": name, "config": config, **more}) as answer:
        assert answer.status == 200, await answer.text()


async def _comes_down_to(files: int, served: Served) -> bool:
    """Whether the server comes to have so few files open, connections among them."""
    for _ in range(200):
        if served.files() <= files:
            return True
        await asyncio.sleep(0.05)
    return False
