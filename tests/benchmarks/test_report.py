from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from benchmarks.harness import Measured, Row, Target
from benchmarks.plots import clients, margins
from benchmarks.report import Results, markdown, put_into, text

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = {"processor": "p", "processors": 2, "system": "Linux", "load": 0.1, "python": "3.11", "versions": {}}
FAST = Row(
    "a | call",
    (Measured("ours", "ms", (1.0, 1.1, 1.2)), Measured("theirs", "ms", (3.0, 3.3, 3.6))),
    (3.0, 3.1, 3.2),
    "times faster",
    Target("≥", 2),
    note="of a kind",
)
SLOW = Row("an import", FAST.measured, (3.0,), "times", Target("≤", 2))


def results(*rows: Row) -> Results:
    return Results("2026-01-31", 3, MACHINE, {"family": rows}, {"other": "it is broken"}, {"installs": "no registry"})


def test_the_table_says_what_is_reached_and_what_is_missed() -> None:
    table = markdown(results(FAST, SLOW))
    assert "| a &#124; call | 1.10 ms | theirs: 3.30 ms | 3.10 times faster (3 to 3.20) | ≥ 2 | reached |" in table
    assert "| ≤ 2 | **missed** |" in table
    assert "`other` could not be measured: it is broken" in table
    assert "`installs` is left out: no registry" in table
    assert "- a | call: of a kind." in table


def test_only_counts_are_judged_where_times_are_not() -> None:
    assert "MISSED" in text("family", [SLOW], judge_times=True)
    assert "MISSED" not in text("family", [SLOW], judge_times=False)


def test_the_table_replaces_the_last_one(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- results: begin -->\nold\n<!-- results: end -->\nafter\n", encoding="utf-8")
    for table in ("new\n", r"\1 newer" + "\n"):
        put_into(page, table, mark="results")
        assert page.read_text(encoding="utf-8") == (
            f"before\n<!-- results: begin -->\n{table}<!-- results: end -->\nafter\n"
        )


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match="no markers"):
        put_into(page, "new", mark="results")
    assert page.read_text(encoding="utf-8") == "nothing"


def test_plots_are_well_formed_and_draw_each_row() -> None:
    drawn = margins([FAST, SLOW])
    ET.fromstring(drawn)  # noqa: S314 - our own
    assert drawn.count('class="reached"') == 1
    assert drawn.count('class="missed"') == 1
    ET.fromstring(clients("<title>", [("a & b", 1.0, True), ("c", 2.0, False)], unit="µs"))  # noqa: S314 - as above
