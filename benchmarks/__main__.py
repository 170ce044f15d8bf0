"""`python -m benchmarks`: measure, print, and write what docs/performance.md shows."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import diet, environment
from benchmarks.harness import Bench
from benchmarks.plots import clients, margins
from benchmarks.report import Results, markdown, put_into, text
from benchmarks.rows import (
    applies,
    chat_batch,
    chat_calls,
    connections,
    growth,
    imports,
    installs,
    local_workspace,
    validate,
)
from benchmarks.workers import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from benchmarks.harness import Row

FAMILIES: dict[str, ModuleType] = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        chat_calls,
        connections,
        imports,
        installs,
        validate,
        applies,
        growth,
        local_workspace,
        chat_batch,
    )
}
_PAGE = ROOT / "docs" / "performance.md"
_PLOTS = ROOT / "docs" / "performance"
_RESULTS = ROOT / "benchmarks" / "results.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return 1 if a family has failed, or a count is not as it should be."""
    asked = _parser().parse_args(arguments)
    rounds = 1 if asked.quick else asked.rounds
    chosen = {name: FAMILIES[name] for name in asked.only or FAMILIES}
    peers = None if asked.quick or asked.no_peers else _peers(asked.peers)
    machine = environment.machine(peers)
    with tempfile.TemporaryDirectory() as scratch:
        measured = _measured(chosen, Bench(rounds, asked.quick, Path(sys.executable), peers, Path(scratch)))
    results = Results(datetime.now(UTC).date().isoformat(), rounds, machine, *measured)
    if asked.json is not None:
        _write_json(results, asked.json)
    if peers is not None and not asked.only:
        publish(results)
    return _verdict(results)


def _peers(folder: Path) -> Path | None:
    try:
        return environment.peers(folder)
    except environment.RegistryError as error:
        print(f"The peers are left out, and nothing is published: {error}", file=sys.stderr)
        return None


def _measured(
    families: Mapping[str, ModuleType], bench: Bench
) -> tuple[dict[str, list[Row]], dict[str, str], dict[str, str]]:
    """Measure one family after the other; return their rows, and why which have failed or are left out."""
    rows: dict[str, list[Row]] = {}
    failed: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for number, (name, family) in enumerate(families.items(), start=1):
        print(f"Measuring {name} ({number} of {len(families)})", file=sys.stderr, flush=True)
        started = time.perf_counter()
        try:
            rows[name] = family.measure(bench)
        except environment.RegistryError as error:
            left_out[name] = str(error)
        except Exception as error:  # noqa: BLE001 - one family that fails must not take the others' results along
            traceback.print_exc()
            failed[name] = str(error).strip().partition("\n")[0]
        else:
            print(text(name, rows[name], judge_times=not bench.quick), flush=True)
            print(f"  ({time.perf_counter() - started:.0f} s)", flush=True)
    return rows, failed, left_out


def publish(results: Results) -> None:
    """Write what the docs show: the table, the plots, and every sample."""
    _write_json(results, _RESULTS)
    put_into(_PAGE, markdown(results), mark="results")
    put_into(_PAGE, diet.table(diet.costs(Path(sys.executable))), mark="diet")
    _PLOTS.mkdir(exist_ok=True)
    (_PLOTS / "margins.svg").write_text(margins(results.all_rows()), encoding="utf-8")
    beside = [row for row in results.rows.get("chat_calls", ()) if row.what.endswith("64 at once")]
    medians = {each.name: each.median for row in beside for each in row.measured}
    bars = [(name, value, "Chat" in name) for name, value in sorted(medians.items(), key=lambda bar: bar[1])]
    if bars:
        drawn = clients("64 calls at once: microseconds a call", bars, unit="µs")
        (_PLOTS / "at_once.svg").write_text(drawn, encoding="utf-8")


def _verdict(results: Results) -> int:
    missed = [row for row in results.all_rows() if row.counted and not row.reached]
    for row in missed:
        print(f"not as it should be: {row.what}: {row.figure:g}, should be {row.target}", file=sys.stderr)
    for name, why in results.failed.items():
        print(f"could not be measured: {name}: {why}", file=sys.stderr)
    for name, why in results.left_out.items():
        print(f"left out: {name}: {why}", file=sys.stderr)
    return 1 if missed or results.failed else 0


def _write_json(results: Results, path: Path) -> None:
    path.write_text(json.dumps(results.as_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure this project beside its peers.")
    parser.add_argument("--quick", action="store_true", help="small sizes, no peers; only counts are judged")
    parser.add_argument("--rounds", type=int, default=7, help="how often each case gets its turn (default 7)")
    parser.add_argument("--only", nargs="+", choices=FAMILIES, help="some families; nothing is published then")
    parser.add_argument("--no-peers", action="store_true", help="leave the peers out; nothing is published then")
    parser.add_argument("--peers", type=Path, default=ROOT / ".venv-peers", help="the peers' environment")
    parser.add_argument("--json", type=Path, help="write every sample to this file, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
