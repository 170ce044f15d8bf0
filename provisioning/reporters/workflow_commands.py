"""GitHub's workflow commands: lines of a job's log that GitHub acts on instead of showing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provisioning.errors import Position

AnnotationLevel: TypeAlias = Literal["error", "warning", "notice"]

_LEVELS: tuple[AnnotationLevel, ...] = ("error", "warning", "notice")

MOST_OF_A_LEVEL = 10
"""Annotations of one level that GitHub shows for a step (and 50 for a job); more are dropped without a word."""

_SHORTEST_MASK = 4
"""A mask of `{` or `-` alone would blot out the log: values in several lines (a service account's JSON) have those."""


@dataclass(frozen=True)
class Annotation:
    """Something that GitHub shows on the run's page, and on its line of a pull request.

    Attributes:
        level: how bad it is.
        title: a few words.
        message: a sentence.
        position: the line of the config, if it is about one.
    """

    level: AnnotationLevel
    title: str
    message: str
    position: Position | None = None


def annotated(found: Sequence[Annotation]) -> list[str]:
    """Return a line for each annotation, the worst first; where a level has too many, its last line counts the rest."""
    lines: list[str] = []
    for level in _LEVELS:
        of_level = [each for each in found if each.level == level]
        shown = of_level if len(of_level) <= MOST_OF_A_LEVEL else of_level[: MOST_OF_A_LEVEL - 1]
        lines += map(_line, shown)
        if len(shown) < len(of_level):
            lines.append(f"::{level}::and {len(of_level) - len(shown)} more, in the step's log")
    return lines


def group(title: str, lines: Iterable[str]) -> list[str]:
    """Return lines that the log shows folded under a title."""
    return [f"::group::{escaped(title)}", *map(not_a_command, lines), "::endgroup::"]


def masks(value: str) -> list[str]:
    """Return the commands that have a value concealed wherever the job's log repeats it, line by line."""
    lines = dict.fromkeys(line.strip() for line in value.splitlines())
    return [f"::add-mask::{escaped(line)}" for line in lines if len(line) >= _SHORTEST_MASK]


def not_a_command(line: str) -> str:
    """Return a line that GitHub only shows, whatever a server or a config wrote into it.

    Commands in the older form, `##[error]`, count wherever they stand in a line.
    """
    shown = line.replace("##[", "# #[")
    return f" {shown}".replace("::", ": :", 1) if shown.lstrip().startswith("::") else shown


def escaped(value: str, also: str = "") -> str:
    """Return a text as a command's message or, with `:` and `,` in `also`, as one of its properties."""
    done = value.replace("%", "%25")
    for character in f"\r\n{also}":
        done = done.replace(character, f"%{ord(character):02X}")
    return done


def _line(annotation: Annotation) -> str:
    properties = {"title": annotation.title}
    if annotation.position is not None:
        at = annotation.position
        properties = {"file": at.file, "line": str(at.line), "col": str(at.column), **properties}
    listed = ",".join(f"{key}={escaped(value, ',:')}" for key, value in properties.items())
    return f"::{annotation.level} {listed}::{escaped(not_a_command(annotation.message))}"
