"""The parity ledger holds a row for each route, and each row's witness exists."""

from __future__ import annotations

import ast
import runpy
import tomllib
from pathlib import Path

import pytest

from local_workspace.app import api_routes

ROOT = Path(__file__).resolve().parents[2]
LEDGER = tomllib.loads((ROOT / "docs/parity.toml").read_text())
SCRIPT = runpy.run_path(str(ROOT / "scripts/parity.py"))
ROWS = [*LEDGER["route"], *LEDGER["rule"]]


def test_each_route_of_the_real_api_has_one_row() -> None:
    answered = sorted(
        f"{method} {route.path}"
        for route in api_routes()
        for method in (route.methods or set()) - {"HEAD"}
        if not route.path.startswith("/_local/")
    )
    assert sorted(row["call"] for row in LEDGER["route"]) == answered


@pytest.mark.parametrize("row", ROWS, ids=[row.get("call") or row["says"] for row in ROWS])
def test_each_row_has_a_certainty_and_a_witness_that_exists(row: dict[str, str]) -> None:
    assert row["certainty"] in SCRIPT["CERTAINTIES"]
    file, _, test = row["witness"].partition("::")
    tree = ast.parse((ROOT / file).read_text())
    assert test in {each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_each_route_is_witnessed_by_a_client() -> None:
    assert [row["call"] for row in LEDGER["route"] if SCRIPT["client_of"](row["witness"]) == "HTTP"] == []


def test_the_page_says_what_the_ledger_says() -> None:
    assert (ROOT / "docs/parity.md").read_text() == SCRIPT["page"](LEDGER), "run scripts/parity.py"
