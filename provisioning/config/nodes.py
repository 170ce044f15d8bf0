"""YAML as a tree that knows where each piece stands, however often it is merged and substituted."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from provisioning.errors import Position

Scalar: TypeAlias = str | int | float | bool | None
Path: TypeAlias = tuple[str | int, ...]


class Span(NamedTuple):
    """A stretch of one line. A named tuple, like `Node`: a large config has tens of thousands of them.

    Attributes:
        file: the file, as the user named it.
        line: counted from 1.
        column: counted from 1, in characters.
        length: how many characters it has.
    """

    file: str
    line: int = 1
    column: int = 1
    length: int = 1

    @property
    def position(self) -> Position:
        """Where it starts."""
        return Position(self.file, self.line, self.column)


class Node(NamedTuple):
    """A value of a config and where it stands.

    Attributes:
        value: a scalar, or the children of a mapping or a list.
        span: where the value stands.
        key: where its key stands, for a value in a mapping.
        text: how a number or boolean was written (`1.10`), for the fields that want it as text.
    """

    value: Scalar | dict[str, Node] | list[Node]
    span: Span
    key: Span | None = None
    text: str | None = None

    def get(self, *path: str | int) -> Node | None:
        """Return the node at a path below this one, or None."""
        node: Node | None = self
        for step in path:
            node = node.child(step) if node is not None else None
        return node

    def child(self, step: str | int) -> Node | None:
        """Return one child: by key of a mapping, by index of a list."""
        value = self.value
        if isinstance(value, dict) and isinstance(step, str):
            found: Node | None = value.get(step)
            return found
        if isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
            item: Node = value[step]
            return item
        return None

    def fields(self) -> dict[str, Node]:
        """Return the children of a mapping; anything else has none."""
        return self.value if isinstance(self.value, dict) else {}

    def with_value(self, value: Scalar | dict[str, Node] | list[Node], *, text: str | None = None) -> Node:
        """Return this place with another value in it."""
        return self._replace(value=value, text=text)

    def part(self, start: int, end: int) -> Span:
        """Return the place of some characters of a text, or of all of it if it is not written as it reads.

        Args:
            start: the first character, counted from 0.
            end: the one after the last.
        """
        quotes = self.span.length - len(str(self.value))
        if quotes not in {0, 2}:  # escapes, or several lines
            return self.span
        return self.span._replace(column=self.span.column + quotes // 2 + start, length=end - start)

    def where(self) -> Span:
        """Return the place that a problem with this node is best shown at: a container's key, a scalar itself."""
        return self.key if self.key is not None and isinstance(self.value, (dict, list)) else self.span


def plain(node: Node) -> object:
    """Return the value without positions, as pydantic takes it."""
    match node.value:
        case dict() as children:
            return {key: plain(child) for key, child in children.items()}
        case list() as children:
            return [plain(child) for child in children]
        case scalar:
            return scalar


def walk(node: Node, path: Path = ()) -> list[tuple[Path, Node]]:
    """List every node below and including this one, each with its path."""
    found: list[tuple[Path, Node]] = []
    _walk(node, path, found)
    return found


def _walk(node: Node, path: Path, found: list[tuple[Path, Node]]) -> None:
    found.append((path, node))
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            _walk(child, (*path, key), found)
    elif isinstance(node.value, list):
        for index, child in enumerate(node.value):
            _walk(child, (*path, index), found)


def dotted(path: Path) -> str:
    """Write a path as people do: `config.served_entities[0].name`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")
