"""Diagnostics as text, JSON and GitHub annotations. Colour is the command line's business.

Like ruff's: `file:line:col: error P201 message`, the line with a caret, and one remedy.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final
from unicodedata import east_asian_width

from provisioning.model.inert import inert
from provisioning.reporters.workflow_commands import Annotation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioning.errors import Diagnostic
    from provisioning.reporters.workflow_commands import AnnotationLevel

_GITHUB_LEVELS: Final[Mapping[str, AnnotationLevel]] = {"error": "error", "warning": "warning", "note": "notice"}


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
    place = f"{inert(str(diagnostic.position))}: " if diagnostic.position is not None else ""
    lines = [f"{place}{diagnostic.severity} {diagnostic.code} {diagnostic.message}"]
    if diagnostic.snippet is not None and diagnostic.position is not None:
        lines += _quoted(diagnostic, diagnostic.snippet, diagnostic.position.line)
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


def listed(diagnostics: Sequence[Diagnostic]) -> dict[str, object]:
    """Return diagnostics for programs: an object with a format version and a list."""
    return {"format": 1, "diagnostics": [as_object(each) for each in diagnostics]}


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


def pinned(diagnostics: Sequence[Diagnostic]) -> list[Annotation]:
    """Return what GitHub is to show on the lines of a pull request."""
    return [_annotation(each) for each in diagnostics]


def _quoted(diagnostic: Diagnostic, snippet: str, line: int) -> list[str]:
    gutter = " " * len(str(line))
    before, marked = snippet[: diagnostic.caret], snippet[diagnostic.caret :][: diagnostic.length]
    # Tabs stay tabs, so that the caret stands below its place whatever their width.
    lead = "".join("\t" if each == "\t" else " " * _columns(each) for each in before)
    carets = "^" * max(1, sum(map(_columns, marked)))
    return [f"  {line} | {snippet}", f"  {gutter} | {lead}{carets}"]


def _columns(character: str) -> int:
    """Return how many columns of a terminal a character takes: emoji and most of East Asia's take two."""
    return 2 if east_asian_width(character) in {"W", "F"} else 1


def _annotation(diagnostic: Diagnostic) -> Annotation:
    said = f"{diagnostic.message} ({diagnostic.remedy})" if diagnostic.remedy else diagnostic.message
    title = f"{diagnostic.code} {diagnostic.title}"
    return Annotation(_GITHUB_LEVELS[diagnostic.severity], title, said, diagnostic.position)
