"""Write a string that matches a regular expression, for `pattern` in JSON Schema."""

from __future__ import annotations

import string
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# The standard library's own parser, under the name it has carried since 3.11 made `sre_parse` deprecated.
_parser: Any = import_module("re._parser")
_constants: Any = import_module("re._constants")

Node: TypeAlias = Any
"""A part of what the parser gives: nested tuples whose shape depends on the operation."""

_OF_CATEGORY = {
    _constants.CATEGORY_DIGIT: "0",
    _constants.CATEGORY_NOT_DIGIT: "a",
    _constants.CATEGORY_SPACE: " ",
    _constants.CATEGORY_NOT_SPACE: "a",
    _constants.CATEGORY_WORD: "a",
    _constants.CATEGORY_NOT_WORD: "-",
}
_ALPHABET = (*string.ascii_letters, *string.digits, " ", *string.punctuation, "é", "\n")
_REPEATS = (0, 1, 2, 3, 5, 8, 13, 21, 34, 64, 128, 256)


def samples(pattern: str) -> Iterator[str]:
    """Yield strings that are likely to match, from the shortest on; the caller checks them.

    Raises:
        re.error: The pattern is not one that Python reads.
    """
    parsed = _parser.parse(pattern)
    for extra in _REPEATS:
        yield _Sampler(extra).sequence(parsed)


class _Sampler:
    """Writes one sample.

    Args:
        extra: How many times more than needed each repetition is written; it also picks among alternatives.
    """

    def __init__(self, extra: int) -> None:
        self._extra = extra
        self._groups: dict[int, str] = {}
        self._write: dict[object, Callable[[Node], str]] = {
            _constants.LITERAL: chr,
            _constants.NOT_LITERAL: lambda code: "a" if code != ord("a") else "b",
            _constants.ANY: lambda _: "a",
            _constants.IN: _of_class,
            _constants.BRANCH: self._branch,
            _constants.MAX_REPEAT: self._repeat,
            _constants.MIN_REPEAT: self._repeat,
            _constants.POSSESSIVE_REPEAT: self._repeat,
            _constants.SUBPATTERN: self._group,
            _constants.ATOMIC_GROUP: self.sequence,
            _constants.GROUPREF: lambda number: self._groups.get(number, ""),
        }

    def sequence(self, nodes: Node) -> str:
        """Write nodes one after the other; anchors and look-arounds take no room."""
        return "".join(self._write[operation](argument) for operation, argument in nodes if operation in self._write)

    def _branch(self, argument: Node) -> str:
        branches: Sequence[Node] = argument[1]
        return self.sequence(branches[self._extra % len(branches)])

    def _repeat(self, argument: Node) -> str:
        fewest, most, body = argument
        return "".join(self.sequence(body) for _ in range(min(fewest + self._extra, int(most))))

    def _group(self, argument: Node) -> str:
        number, _, _, body = argument
        text = self.sequence(body)
        if number is not None:
            self._groups[number] = text
        return text


def _of_class(members: Sequence[tuple[Node, Node]]) -> str:
    operation, argument = members[0]
    if operation is _constants.NEGATE:
        return next((letter for letter in _ALPHABET if not _in_class(letter, members[1:])), "a")
    if operation is _constants.CATEGORY:
        return _OF_CATEGORY[argument]
    return chr(argument[0] if operation is _constants.RANGE else argument)


def _in_class(letter: str, members: Sequence[tuple[Node, Node]]) -> bool:
    return any(_is_member(letter, operation, argument) for operation, argument in members)


def _is_member(letter: str, operation: Node, argument: Node) -> bool:
    if operation is _constants.LITERAL:
        return bool(ord(letter) == argument)
    if operation is _constants.RANGE:
        return bool(argument[0] <= ord(letter) <= argument[1])
    tests = {"DIGIT": letter.isdigit(), "SPACE": letter.isspace(), "WORD": letter.isalnum() or letter == "_"}
    name = str(argument).removeprefix("CATEGORY_")
    return tests.get(name.removeprefix("NOT_"), False) != name.startswith("NOT_")
