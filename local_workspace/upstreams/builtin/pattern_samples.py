"""Write a string that matches a regular expression, for `pattern` in JSON Schema."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The standard library's own parser, under the name it has carried since 3.11 made `sre_parse` deprecated.
_parser: Any = import_module("re._parser")
_constants: Any = import_module("re._constants")

_OF_CATEGORY = {
    _constants.CATEGORY_DIGIT: "0",
    _constants.CATEGORY_NOT_DIGIT: "a",
    _constants.CATEGORY_SPACE: " ",
    _constants.CATEGORY_NOT_SPACE: "a",
    _constants.CATEGORY_WORD: "a",
    _constants.CATEGORY_NOT_WORD: "-",
}
_ALPHABET = [
    *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.",
    *map(chr, range(33, 127)),
    "é",
    "\n",
]
_REPEATS = (0, 1, 2, 3, 5, 8, 13, 21, 34, 64, 128, 256)


def samples(pattern: str) -> Iterator[str]:
    """Yield strings that are likely to match, from the shortest on; the caller checks them.

    Raises:
        re.error: The pattern is not one that Python reads.
    """
    parsed = _parser.parse(pattern)
    for extra in _REPEATS:
        yield _sequence(parsed, extra=extra, groups={})


def _sequence(items: Any, *, extra: int, groups: dict[int, str]) -> str:
    return "".join(_item(operation, argument, extra=extra, groups=groups) for operation, argument in items)


def _item(operation: Any, argument: Any, *, extra: int, groups: dict[int, str]) -> str:
    match str(operation):
        case "LITERAL":
            return chr(argument)
        case "NOT_LITERAL":
            return "a" if argument != ord("a") else "b"
        case "ANY":
            return "a"
        case "IN":
            return _of_class(argument)
        case "CATEGORY":
            return _OF_CATEGORY[argument]
        case "BRANCH":
            branches: Sequence[Any] = argument[1]
            return _sequence(branches[extra % len(branches)], extra=extra, groups=groups)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            fewest, most, body = argument
            return "".join(_sequence(body, extra=extra, groups=groups) for _ in range(min(fewest + extra, int(most))))
        case "SUBPATTERN":
            number, _, _, body = argument
            text = _sequence(body, extra=extra, groups=groups)
            if number is not None:
                groups[number] = text
            return text
        case "GROUPREF":
            return groups.get(argument, "")
        case "ATOMIC_GROUP":
            return _sequence(argument, extra=extra, groups=groups)
        case _:  # anchors and look-arounds take no room
            return ""


def _of_class(members: Sequence[tuple[Any, Any]]) -> str:
    if str(members[0][0]) == "NEGATE":
        return next((letter for letter in _ALPHABET if not _in_class(letter, members[1:])), "a")
    operation, argument = members[0]
    match str(operation):
        case "RANGE":
            return chr(argument[0])
        case "CATEGORY":
            return _OF_CATEGORY[argument]
        case _:
            return chr(argument)


def _in_class(letter: str, members: Sequence[tuple[Any, Any]]) -> bool:
    return any(_is_member(letter, str(operation), argument) for operation, argument in members)


def _is_member(letter: str, operation: str, argument: Any) -> bool:
    match operation:
        case "LITERAL":
            return ord(letter) == argument
        case "RANGE":
            return bool(argument[0] <= ord(letter) <= argument[1])
        case _:
            tests = {"DIGIT": letter.isdigit(), "SPACE": letter.isspace(), "WORD": letter.isalnum() or letter == "_"}
            name = str(argument).removeprefix("CATEGORY_")
            return tests.get(name.removeprefix("NOT_"), False) != name.startswith("NOT_")
