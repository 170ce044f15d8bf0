"""What a fresh interpreter pays for an import, and what it loads without need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.harness import Bench, Case, Row, Target, count_row, differences, ratios, take_turns
from benchmarks.processes import run
from benchmarks.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_WHERE = {"DATABRICKS_HOST": "http://127.0.0.1:1", "DATABRICKS_TOKEN": "dapi-benchmark"}
_BASE_MODEL = "from langchain_core.language_models import BaseChatModel"
_LOADED = "import sys; print(*sys.modules)"
_PEER = "databricks_langchain"
_HEAVY = frozenset({"databricks.sdk", "mlflow", "aiohttp", "starlette", "uvicorn", "rich", "langchain_core", "httpx"})
_OF_A_CALL = frozenset({"http.client", "ssl", "email", "httptools"})


def measure(bench: Bench) -> list[Row]:
    """Compare imports in turns, then look at what they loaded."""
    client, model = "from chat import ChatClient; ChatClient('e')", "from chat import ChatDatabricks"
    cases = [
        _case("bare interpreter", bench.python, "pass"),
        _case("chat.ChatClient", bench.python, client),
        _case("langchain_core's BaseChatModel", bench.python, _BASE_MODEL),
        _case("chat.ChatDatabricks", bench.python, model),
        *([_case("databricks-langchain", bench.peers, f"import {_PEER}")] if bench.peers else []),
    ]
    bare, ours, base, face, *peer = take_turns(cases, rounds=bench.rounds, unit="ms")
    return [
        Row(f"`{client}`", (ours, bare), differences(ours, bare), "ms more", Target("≤", 150)),
        Row(f"`{model}`", (face, base), ratios(face, base), "times", Target("≤", 1.2)),
        *(Row(f"`{model}`", (face, their), ratios(their, face), "times faster") for their in peer),
        _needless("`from chat import ChatClient`", bench.python, client, _HEAVY | _OF_A_CALL),
        _needless("`from chat import ChatDatabricks`", bench.python, model, _HEAVY - {"langchain_core", "httpx"}),
        _needless("`validate`", bench.python, _validating(bench), _HEAVY),
    ]


def _validating(bench: Bench) -> str:
    folder = Workload(2, 1, 1).write(bench.folder("imports"))
    return f"from provisioning.cli import run; run(['validate', {str(folder)!r}])"


def _case(name: str, python: Path, statement: str) -> Case:
    import_it: Callable[[], float] = lambda: run([python, "-c", statement], environment=_WHERE).seconds * 1e3  # noqa: E731 - its type
    return Case(name, import_it)


def _needless(what: str, python: Path, statement: str, heavy: Iterable[str]) -> Row:
    loaded = run([python, "-c", f"{statement}; {_LOADED}"], environment=_WHERE).output.splitlines()[-1].split()
    found = sorted(set(heavy) & set(loaded))
    shown = ", ".join(sorted(heavy))
    note = f"of {shown}" + (f": loaded {', '.join(found)}" if found else "")
    return count_row(f"libraries that {what} loads without need", len(found), target=Target("=", 0), note=note)
