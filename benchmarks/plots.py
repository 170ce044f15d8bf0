"""The plots of docs/performance.md, as SVG that follows the reader's light or dark mode."""

from __future__ import annotations

import math
from html import escape
from textwrap import shorten
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.harness import Row

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.small { font-size: 11px; fill: #6e7781 }
.reached { fill: #2da44e } .missed { fill: #cf222e } .ours { fill: #0969da } .theirs { fill: #8c959f }
.line { stroke: #8c959f; stroke-width: 1 } .whisker { stroke: #24292f; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .whisker { stroke: #e6edf3 }
}
"""
_LABELS, _BARS, _NUMBERS, _STEP = 560, 380, 170, 24
_LONGEST_LABEL = 78
_LEAST, _MOST = 0.25, 64.0
"""The ends of the scale of margins; what lies beyond is drawn at its end."""


def margins(rows: Sequence[Row]) -> str:
    """Draw how far each timed figure is from its target: right of the line is better than asked for.

    Args:
        rows: those with a target that is not zero are drawn, counts are not.
    """
    shown = [row for row in rows if row.target is not None and row.target.value and not row.counted]
    parts = [_text(0, 14, "times better than the target (median, with the least and the greatest of all rounds)")]
    bottom = 34 + _STEP * len(shown)
    for mark in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64):
        x = _at(mark)
        parts.append(f'<line class="line" x1="{x:.0f}" x2="{x:.0f}" y1="26" y2="{bottom}" {_dash(mark)}/>')
        parts.append(_text(x, bottom + 16, f"{mark:g}", kind="small", anchor="middle"))
    for number, row in enumerate(shown):
        parts += _margin(row, 34 + _STEP * number)
    return _svg(_LABELS + _BARS + _NUMBERS, bottom + 26, parts)


def clients(title: str, bars: Sequence[tuple[str, float, bool]], *, unit: str) -> str:
    """Draw how long clients take for the same.

    Args:
        title: what they do.
        bars: name, how long, and whether it is ours.
        unit: of how long.
    """
    longest = max(value for _, value, _ in bars)
    parts = [_text(0, 14, title)]
    for number, (name, value, ours) in enumerate(bars):
        y = 34 + _STEP * number
        parts.append(_text(_LABELS - 10, y + 12, name, anchor="end"))
        parts.append(_bar(_LABELS, y, max(1.0, _BARS * value / longest), "ours" if ours else "theirs"))
        parts.append(_text(_LABELS + _BARS * value / longest + 8, y + 12, f"{value:,.0f} {unit}", kind="small"))
    return _svg(_LABELS + _BARS + _NUMBERS, 44 + _STEP * len(bars), parts)


def _margin(row: Row, y: int) -> list[str]:
    found = sorted(_better(row, figure) for figure in row.figures)
    middle = _better(row, row.figure)
    start, end = sorted((_at(1), _at(middle)))
    low, high = _at(found[0]), _at(found[-1])
    kind = "reached" if row.reached else "missed"
    return [
        _text(
            _LABELS - 10,
            y + 12,
            shorten(f"{row.what} ({row.measured[1].name})", _LONGEST_LABEL, placeholder=" …"),
            anchor="end",
        ),
        _bar(start, y, max(1.0, end - start), kind),
        f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="{y + 8}" y2="{y + 8}"/>',
        _text(max(high, end) + 8, y + 12, f"{row.figure:.3g} {row.unit}", kind="small"),
    ]


def _better(row: Row, figure: float) -> float:
    """Return how many times better than asked for a figure is."""
    if row.target is None:
        raise AssertionError("only rows with a target are drawn")
    if row.target.sense == "≥":
        return max(figure, 0.0) / row.target.value
    return row.target.value / figure if figure > 0 else _MOST


def _at(better: float) -> float:
    within = min(max(better, _LEAST), _MOST)
    return _LABELS + _BARS * math.log(within / _LEAST) / math.log(_MOST / _LEAST)


def _dash(mark: float) -> str:
    return 'stroke-width="2"' if mark == 1 else 'stroke-dasharray="2 4"'


def _bar(x: float, y: float, width: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="16" rx="2"/>'


def _text(x: float, y: float, text: str, *, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(text.replace("`", ""))}</text>'


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>", ""])
