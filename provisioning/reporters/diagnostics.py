"""Diagnostics as text, JSON and GitHub annotations. Colour is the command line's business.

Like ruff's: `file:line:col: error P201 message`, the line with a caret, and one remedy.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioning.errors import Diagnostic

_GITHUB_LEVELS: Final = {"error": "error", "warning": "warning", "note": "notice"}
_GITHUB_MOST: Final = 10
"""Annotations of one level that GitHub shows for a step; more are dropped without a word."""


def text(diagnostics: Sequence[Diagnostic]) -> str:
    """Return diagnostics for people: one block each, and a line that counts them.

    Args:
        diagnostics: what was found, in the order in which it is shown.
    """
    if not diagnostics:
        return ""
    return "\n".join([*map(one, diagnostics), summary(diagnostics)])


def one(diagnostic: Diagnostic) -> str:
    """Return one diagnostic for people, without a newline at its end."""
    place = f"{diagnostic.position}: " if diagnostic.position is not None else ""
    lines = [f"{place}{diagnostic.severity} {diagnostic.code} {diagnostic.message}"]
    if diagnostic.snippet is not None and diagnostic.position is not None:
        lines += _quoted(diagnostic.snippet, diagnostic.position.line, diagnostic.position.column, diagnostic.length)
    if diagnostic.remedy is not None:
        lines.append(f"  help: {diagnostic.remedy}")
    return "\n".join(lines)


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """Return a line such as `2 errors, 1 warning`."""
    counts = Counter(each.severity for each in diagnostics)
    return ", ".join(
        f"{counts[level]} {level}{'' if counts[level] == 1 else 's'}"
        for level in ("error", "warning", "note")
        if counts[level]
    )


def as_json(diagnostics: Sequence[Diagnostic]) -> str:
    """Return diagnostics for programs: a JSON object with a format version and a list."""
    return json.dumps({"format": 1, "diagnostics": [as_object(each) for each in diagnostics]}, indent=2)


def as_object(diagnostic: Diagnostic) -> dict[str, object]:
    """Return one diagnostic as JSON has it."""
    at = diagnostic.position
    return {
        "code": diagnostic.code,
        "title": diagnostic.title,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "file": at.file if at else None,
        "line": at.line if at else None,
        "column": at.column if at else None,
        "remedy": diagnostic.remedy,
    }


def github(diagnostics: Sequence[Diagnostic]) -> str:
    """Return GitHub workflow commands, which show each diagnostic on its line of the pull request.

    GitHub shows ten of a level; where there are more, the last one counts the rest.
    """
    lines: list[str] = []
    for severity, level in _GITHUB_LEVELS.items():
        found = [each for each in diagnostics if each.severity == severity]
        shown = found if len(found) <= _GITHUB_MOST else found[: _GITHUB_MOST - 1]
        lines += [_annotation(level, each) for each in shown]
        if len(shown) < len(found):
            lines.append(f"::{level}::and {len(found) - len(shown)} more, in the step's log")
    return "\n".join(lines)


def _quoted(snippet: str, line: int, column: int, length: int) -> list[str]:
    gutter = " " * len(str(line))
    before = snippet[: column - 1]
    if len(before) < column - 1:
        return [f"  {line} | {snippet}"]  # the line was cut before the place
    # Tabs stay tabs, so that the caret stands below its place whatever their width.
    lead = "".join("\t" if each == "\t" else " " for each in before)
    carets = "^" * max(1, min(length, len(snippet) - column + 1))
    return [f"  {line} | {snippet}", f"  {gutter} | {lead}{carets}"]


def _annotation(level: str, diagnostic: Diagnostic) -> str:
    properties = {"title": f"{diagnostic.code} {diagnostic.title}"}
    if diagnostic.position is not None:
        at = diagnostic.position
        properties = {"file": at.file, "line": str(at.line), "col": str(at.column), **properties}
    said = f"{diagnostic.message} ({diagnostic.remedy})" if diagnostic.remedy else diagnostic.message
    listed = ",".join(f"{key}={_escaped(value, ',:')}" for key, value in properties.items())
    return f"::{level} {listed}::{_escaped(said)}"


def _escaped(value: str, also: str = "") -> str:
    escaped = value.replace("%", "%25")
    for character in f"\r\n{also}":
        escaped = escaped.replace(character, f"%{ord(character):02X}")
    return escaped
