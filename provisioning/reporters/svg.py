"""A plan's graph as SVG: objects in columns, each to the right of everything that it needs."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioning.reporters.graph import Graph, Node

_LINE = 18
_CHARACTER = 7.3
"""The width of a monospaced character at 12 px."""

_PADDING = 12
_GAP_ACROSS = 90
_GAP_DOWN = 16
_MARGIN = 20

_STYLE = (
    "text{font:12px ui-monospace,monospace;fill:#1f2328}rect{fill:#fff;stroke-width:2}path{fill:none;stroke:#8c959f}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#0d1117}}"
)


def svg(graph: Graph) -> str:
    """Return a graph as a stand-alone SVG picture."""
    columns = _columns(graph)
    boxes = _placed(graph.nodes, columns)
    width = max((x + across for x, _, across, _ in boxes.values()), default=0) + _MARGIN
    height = max((y + down for _, y, _, down in boxes.values()), default=0) + _MARGIN
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
                f'width="{width:.0f}" height="{height:.0f}" role="img">'
            ),
            f"<title>{escape(graph.title)}</title><style>{_STYLE}</style>",
            *(_edge(boxes[first], boxes[second]) for first, second in graph.edges),
            *(_box(node, boxes[place]) for place, node in enumerate(graph.nodes)),
            "</svg>",
        ]
    )


Box = tuple[float, float, float, float]
"""Left, top, width and height."""


def _columns(graph: Graph) -> list[list[int]]:
    """Put each node one column after the last of those that it needs; in a column, next to what it needs."""
    depth = dict.fromkeys(range(len(graph.nodes)), 0)
    for _ in graph.nodes:  # so many rounds are enough, and end it where edges run in a circle
        for first, second in graph.edges:
            if depth[second] <= depth[first] < len(graph.nodes) - 1:
                depth[second] = depth[first] + 1
    columns: list[list[int]] = [[] for _ in dict.fromkeys(sorted(depth.values()))]
    rank = {level: column for column, level in enumerate(dict.fromkeys(sorted(depth.values())))}
    for place, level in depth.items():
        columns[rank[level]].append(place)
    for before, column in pairwise(columns):
        rows = {place: row for row, place in enumerate(before)}
        needed = {place: [rows[a] for a, b in graph.edges if b == place and a in rows] for place in column}
        column.sort(key=lambda place: sum(needed[place]) / len(needed[place]) if needed[place] else len(rows))
    return columns


def _placed(nodes: Sequence[Node], columns: Sequence[Sequence[int]]) -> Mapping[int, Box]:
    boxes: dict[int, Box] = {}
    x = float(_MARGIN)
    for column in columns:
        across = max(len(line) for place in column for line in nodes[place].label) * _CHARACTER + 2 * _PADDING
        y = float(_MARGIN)
        for place in column:
            down = len(nodes[place].label) * _LINE + _PADDING
            boxes[place] = (x, y, across, down)
            y += down + _GAP_DOWN
        x += across + _GAP_ACROSS
    return boxes


def _box(node: Node, box: Box) -> str:
    x, y, across, down = box
    lines = "".join(
        f'<text x="{x + _PADDING:.1f}" y="{y + _LINE * (row + 1):.1f}">{escape(line)}</text>'
        for row, line in enumerate(node.label)
    )
    frame = f'<rect x="{x:.1f}" y="{y:.1f}" width="{across:.1f}" height="{down:.1f}" rx="6" stroke="{node.colour}"/>'
    return f"<g>{frame}{lines}</g>"


def _edge(first: Box, second: Box) -> str:
    x1, y1 = first[0] + first[2], first[1] + first[3] / 2
    x2, y2 = second[0], second[1] + second[3] / 2
    bend = _GAP_ACROSS / 2
    return f'<path d="M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"/>'
