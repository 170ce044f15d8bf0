"""Rows as text, as Markdown and as JSON."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.harness import Measured, Row

_PLOTS = (
    "![How much better than its target each figure is](performance/margins.svg)",
    "",
    "![64 calls at once, client by client](performance/at_once.svg)",
)


@dataclass(frozen=True)
class Results:
    """One run.

    Attributes:
        date: the day, as YYYY-MM-DD.
        rounds: how often each case had its turn.
        machine: where it was, and with which versions.
        rows: by the name of their family.
        failed: why a family could not be measured, by its name.
        left_out: why a family was not, where that is nobody's mistake.
    """

    date: str
    rounds: int
    machine: Mapping[str, object]
    rows: Mapping[str, Sequence[Row]]
    failed: Mapping[str, str]
    left_out: Mapping[str, str]

    def all_rows(self) -> list[Row]:
        """Return the rows of all families, in their order."""
        return [row for rows in self.rows.values() for row in rows]

    def as_json(self) -> dict[str, object]:
        """Return everything that was measured, every sample of it."""
        told = {
            name: [{**asdict(row), "figure": row.figure, "reached": row.reached} for row in rows]
            for name, rows in self.rows.items()
        }
        return {
            "date": self.date,
            "rounds": self.rounds,
            "machine": dict(self.machine),
            "rows": told,
            "failed": dict(self.failed),
            "left_out": dict(self.left_out),
        }


def text(family: str, rows: Sequence[Row], *, judge_times: bool) -> str:
    """Return a family's rows for a terminal.

    Args:
        family: its name.
        rows: what it measured.
        judge_times: whether more than counts is judged.
    """
    lines = [f"\n{family}"]
    for row in rows:
        verdict = verdict_of(row) if judge_times or row.counted else ""
        lines.append(f"  {row.what}: {figure_of(row)}  {verdict}".rstrip())
        lines += [
            f"      {each.name:44} {_sample(each.median):>9} {each.unit} {_extremes(each)}" for each in row.measured
        ]
        lines += [f"      {row.note}"] if row.note else []
    return "\n".join(lines)


def figure_of(row: Row) -> str:
    """Return the median of what is judged, with its extremes."""
    shown = f"{_sample(row.figure)} {row.unit}".strip()
    low, high = min(row.figures), max(row.figures)
    return shown if low == high else f"{shown} ({_sample(low)} to {_sample(high)})"


def verdict_of(row: Row) -> str:
    """Say whether the target is reached."""
    if row.target is None:
        return ""
    return f"{row.target}: {'reached' if row.reached else 'MISSED'}"


def markdown(results: Results) -> str:
    """Return the table that docs/performance.md shows, where it was measured, and the plots."""
    lines = [
        _measured_where(results),
        "",
        "| what | ours | beside it | figure (min to max) | target | |",
        "|---|---|---|---|---|---|",
    ]
    for row in results.all_rows():
        ours, *others = row.measured
        beside = "<br>".join(f"{each.name}: {_sample(each.median)} {each.unit}" for each in others)
        mark = "" if row.target is None else "reached" if row.reached else "**missed**"
        target = "" if row.target is None else str(row.target)
        cells = [row.what, f"{_sample(ours.median)} {ours.unit}", beside, figure_of(row), target, mark]
        lines.append(_line(cells))
    lines += [f"\n`{family}` could not be measured: {why}" for family, why in results.failed.items()]
    lines += [f"\n`{family}` is left out: {why}" for family, why in results.left_out.items()]
    notes = [f"- {row.what}: {row.note}." for row in results.all_rows() if row.note]
    return "\n".join([*lines, "", *notes, "", *_PLOTS, ""])


def put_into(page: Path, table: str, *, mark: str) -> None:
    """Put a table between a page's markers, `<!-- MARK: begin -->` and `<!-- MARK: end -->`.

    Args:
        page: a Markdown file.
        table: what comes between them.
        mark: the markers' name.

    Raises:
        ValueError: it has none.
    """
    begin, end = (f"<!-- {mark}: {edge} -->" for edge in ("begin", "end"))
    between = re.compile(f"(?<={begin}\n).*?(?={end})", re.DOTALL)
    before = page.read_text(encoding="utf-8")
    after, found = between.subn(lambda _found: table, before)
    if not found:
        raise ValueError(f"{page} has no markers `{begin}` and `{end}`")
    page.write_text(after, encoding="utf-8")


def _line(cells: Sequence[str]) -> str:
    escaped = [cell.replace("|", "&#124;") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _measured_where(results: Results) -> str:
    machine = results.machine
    versions = [f"{name} {version}" for name, version in _versions(machine, "peers").items()]
    ours = [f"{name} {version}" for name, version in _versions(machine, "versions").items() if name != "openai"]
    return (
        f"Measured on {results.date}, {results.rounds} rounds: {machine['processor']}, {machine['processors']} "
        f"processors, {machine['system']}, load {machine['load']} at the start; Python {machine['python']}. "
        f"Ours with {', '.join(ours)}; the peers' environment with {', '.join(versions) or 'nothing'}."
    )


def _versions(machine: Mapping[str, object], key: str) -> dict[str, str]:
    found = machine.get(key)
    return found if isinstance(found, dict) else {}


def _extremes(measured: Measured) -> str:
    low, high = min(measured.samples), max(measured.samples)
    return "" if low == high else f"({_sample(low)} to {_sample(high)})"


def _sample(value: float) -> str:
    """Return three digits that mean something."""
    if value == int(value) or abs(value) >= 100:  # noqa: PLR2004 - three digits
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"  # noqa: PLR2004 - as above
