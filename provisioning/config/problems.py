"""The list of everything that is wrong, each with its place and its line."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from provisioning.config.codes import CODES
from provisioning.config.masking import MASK, masked
from provisioning.config.nodes import Node, Span
from provisioning.errors import ConfigError, Diagnostic
from provisioning.model.inert import inert

if TYPE_CHECKING:
    from provisioning.errors import Position

_LONGEST_LINE = 160
_LONGEST_SEARCHED = 2_000
"""Characters of a line that are searched for credentials; what is beyond is not shown."""
_MOST = 200
"""Problems of one severity: more than anybody reads, and a file named by mistake has thousands."""


class Problems:
    """Collects diagnostics while configs are loaded, and knows the lines that they stand on."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, None] = {}
        self._counts: Counter[str] = Counter()
        self._lines: dict[str, list[str]] = {}

    def remember(self, file: str, text: str) -> None:
        """Keep a file's lines, to quote from."""
        self._lines[file] = text.splitlines()

    def add(
        self, code: str, message: str, at: Node | Span | None = None, *, remedy: str | None = None, secret: bool = False
    ) -> None:
        """Report one problem.

        Args:
            code: a key of `CODES`.
            message: what is wrong, in one sentence without a full stop.
            at: where it stands.
            remedy: what to do next.
            secret: True if the value there may be a secret: its line is then shown up to its place only.
        """
        title, _meaning, severity = CODES[code]
        if self._counts[severity] >= _MOST:
            return
        span = at.where() if isinstance(at, Node) else at
        diagnostic = Diagnostic(
            code=code,
            title=title,
            message=inert(masked(message)),
            position=span.position if span else None,
            snippet=self._snippet(span, secret=secret) if span else None,
            length=span.length if span else 1,
            remedy=remedy,
            severity=severity,
        )
        if diagnostic not in self._found:
            self._found[diagnostic] = None
            self._counts[severity] += 1

    @property
    def failed(self) -> bool:
        """Whether there is an error among the problems."""
        return self._counts["error"] > 0

    def sorted(self) -> tuple[Diagnostic, ...]:
        """Return the problems in the order of files and lines, those without a place first."""
        return tuple(sorted(self._found, key=_order))

    def raise_if_failed(self) -> None:
        """Raise a `ConfigError` with every problem, if there is an error among them."""
        if self.failed:
            raise ConfigError(self.sorted())

    def _snippet(self, span: Span, *, secret: bool) -> str | None:
        position: Position = span.position
        lines = self._lines.get(position.file, [])
        if not 0 < position.line <= len(lines):
            return None
        line = lines[position.line - 1][:_LONGEST_SEARCHED]
        if secret:
            line = line[: position.column - 1] + MASK
        # Tabs are kept for the caret's sake; what acts on a terminal unseen is not.
        return "\t".join(map(inert, masked(line).split("\t")))[:_LONGEST_LINE]


def _order(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    at = diagnostic.position
    return (at.file, at.line, at.column, diagnostic.code) if at else ("", 0, 0, diagnostic.code)
