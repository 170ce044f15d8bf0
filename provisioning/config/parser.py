"""YAML text to nodes. The parser is PyYAML's; what a scalar means is ours.

Only `true` and `false` are booleans, numbers are decimal, and nothing is a date: YAML 1.1's `no`, `0123`, `1:30`
and `2024-02-01` stay the text they were written as, so an API version or a region code survives.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import yaml

from provisioning.config.nodes import Node, Scalar, Span

if TYPE_CHECKING:
    from provisioning.config.problems import Problems

_DEEPEST: Final = 64
_MOST_VALUES: Final = 50_000
_TOO_DEEP: Final = f"the nesting is deeper than {_DEEPEST} levels"
_TOO_MANY: Final = f"more than {_MOST_VALUES} values, aliases expanded"
_HARMLESS: Final = 4_000
_TAGS: Final = {
    yaml.ScalarNode: "tag:yaml.org,2002:str",
    yaml.MappingNode: "tag:yaml.org,2002:map",
    yaml.SequenceNode: "tag:yaml.org,2002:seq",
}


class _Loader(yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader):  # type: ignore[misc] # one of two
    """PyYAML's loader without its guesses at what a scalar stands for, which are a sixth of its time."""

    def resolve(self, kind: type[yaml.Node], _value: str | None, _implicit: object) -> str:
        """Return the tag of a value that has none."""
        return _TAGS[kind]


_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]{0,17})(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,3})?")
_WORDS: Final[dict[str, Scalar]] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse(text: str, file: str, problems: Problems) -> Node | None:
    """Parse one file.

    Args:
        text: the file's content.
        file: the file's name, for positions.
        problems: where everything wrong is reported.

    Returns:
        The document, or None if it is empty or could not be parsed.
    """
    control = _UNPRINTABLE.search(text)
    if control is not None:
        message = f"the control character U+{ord(control.group()):04X} cannot stand in YAML"
        problems.add(
            "P103", message, _span_of_offset(text, control.start(), file), remedy="save the file as UTF-8 text"
        )
        return None
    try:
        _refuse_endless(text, file)
        composed = yaml.compose(text, Loader=_Loader)
        if composed is None:
            return None
        builder = _Builder(file, problems)
        if "*" in text:  # only aliases can stand for more than is written
            builder.measure(composed)
        return builder.build(composed)
    except yaml.MarkedYAMLError as error:
        _report_syntax(error, text, file, problems)
    except _TooLargeError as error:
        problems.add("P104", str(error), error.span, remedy="split it, or look for what repeats without end")
    return None


class _TooLargeError(Exception):
    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.span = span


class _Builder:
    """Turns PyYAML's nodes into ours."""

    def __init__(self, file: str, problems: Problems) -> None:
        self._file = file
        self._problems = problems
        self._sizes: dict[int, int] = {}

    def measure(self, node: yaml.Node, *, depth: int = 0) -> int:
        """Return how many values a node stands for, its aliases expanded; each node is measured but once.

        Raises:
            _TooLargeError: there are too many: a small file with aliases of aliases stands for a huge tree.
        """
        if isinstance(node, yaml.ScalarNode):
            return 1
        if (known := self._sizes.get(id(node))) is not None:
            return known
        if depth > _DEEPEST:
            raise _TooLargeError(f"{_TOO_DEEP}, or an alias holds itself", self._span(node))
        pairs = isinstance(node, yaml.MappingNode)
        children = [child for pair in node.value for child in pair] if pairs else node.value
        size = 1 + sum(self.measure(child, depth=depth + 1) for child in children)
        if size > _MOST_VALUES:
            raise _TooLargeError(_TOO_MANY, self._span(node))
        self._sizes[id(node)] = size
        return size

    def build(self, node: yaml.Node, *, key: Span | None = None, depth: int = 0) -> Node:
        span = self._span(node)
        if depth > _DEEPEST:
            raise _TooLargeError(_TOO_DEEP, span)
        if node.tag not in _TAGS.values():
            message = f"the tag {str(node.tag).removeprefix('tag:yaml.org,2002:')!r} is not supported"
            self._problems.add("P105", message, span, remedy="remove the tag; quote the value if it is text")
        if isinstance(node, yaml.MappingNode):
            return Node(self._mapping(node, depth), span, key)
        if isinstance(node, yaml.SequenceNode):
            return Node([self.build(each, key=None, depth=depth + 1) for each in node.value], span, key)
        quoted = isinstance(node, yaml.ScalarNode) and bool(node.style)
        value = node.value if quoted else scalar_of(node.value)
        return Node(value, span, key, text=None if isinstance(value, str) else node.value)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Node]:
        children: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for name, value in node.value:
            if not isinstance(name, yaml.ScalarNode):
                self._problems.add("P106", "a list or mapping cannot be a key", self._span(name))
                continue
            span = self._span(name)
            child = self.build(value, key=span, depth=depth + 1)
            if name.value == "<<" and not name.style:
                merged |= self._merged(child)
            elif name.value in children:
                first = children[name.value].key
                line = first.position.line if first else "?"
                message = f"the key {name.value!r} is given twice, first on line {line}"
                self._problems.add("P102", message, span, remedy="remove one of the two")
            else:
                children[name.value] = child
        return merged | children

    def _merged(self, node: Node) -> dict[str, Node]:
        """Expand `<<: *anchor`, or a list of them, of which the first wins, as YAML has it."""
        sources = node.value if isinstance(node.value, list) else [node]
        found: dict[str, Node] = {}
        for source in reversed(sources):
            if not isinstance(source.value, dict):
                self._problems.add("P203", "`<<` merges mappings, and this is none", source)
            found |= source.fields()
        return found

    def _span(self, node: yaml.Node) -> Span:
        start, end = node.start_mark, node.end_mark
        length = end.column - start.column if end.line == start.line else 1
        return Span(self._file, start.line + 1, start.column + 1, max(1, length))


def scalar_of(text: str) -> Scalar:
    """Return what an unquoted scalar stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _refuse_endless(text: str, file: str) -> None:
    """Refuse too many values, and nesting too deep, before PyYAML's C composer recurses on the process's stack.

    Counting is done only where a text could hold so many, or be that deep, at all: it needs as many signs.

    Raises:
        _TooLargeError: the place where it is too much.
    """
    brackets = text.count("[") + text.count("{")
    indented = max((len(run) for run in re.findall(r"(?m)^[ ?-]+", text)), default=0)
    signs = brackets + sum(map(text.count, (",", ":", "\n", "- ", "? ")))
    if brackets + indented < _HARMLESS and signs < _MOST_VALUES:
        return
    depth = values = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.NodeEvent):
            values += 1
            depth += isinstance(event, yaml.CollectionStartEvent)
        if depth > _DEEPEST or values > _MOST_VALUES:
            mark = event.start_mark
            span = Span(file, mark.line + 1, mark.column + 1) if mark is not None else Span(file)
            raise _TooLargeError(_TOO_DEEP if depth > _DEEPEST else _TOO_MANY, span)


def _span_of_offset(text: str, offset: int, file: str) -> Span:
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return Span(file, line, column)


def _report_syntax(error: yaml.MarkedYAMLError, text: str, file: str, problems: Problems) -> None:
    """Say what PyYAML could not read, and where; a quote or bracket without an end is shown where it begins."""
    lines = text.splitlines()
    mark = error.problem_mark or error.context_mark
    begun = error.context_mark
    if mark is not None and begun is not None and mark.line >= len(lines):
        mark = begun
    span = Span(file, mark.line + 1, mark.column + 1) if mark is not None else Span(file)
    said = (error.problem or "not YAML").replace("\n", " ")
    if begun is not None and begun.line + 1 < span.line and error.context:
        said += f", {error.context} that begins on line {begun.line + 1}"
    at = lines[span.line - 1][span.column - 1 :][:1] if span.line <= len(lines) else ""
    if "another document" in said:
        said, remedy = "a second document begins here", "keep one document a file"
    elif at == "\t":
        said, remedy = "a tab stands where only spaces may", "indent with spaces"
    elif "cannot start any token" in said:
        remedy = f"quote the value: plain text cannot begin with {at}"
    elif "mapping values are not allowed" in said:
        remedy = "quote a value that holds `: `, or check the indentation above"
    else:
        remedy = "check the indentation, the quotes and the brackets, here and on the line above"
    problems.add("P101", f"not valid YAML: {said}", span, remedy=remedy)
