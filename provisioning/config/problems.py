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
    from typing import TypeAlias

    from provisioning.errors import Position

_LONGEST_SHOWN = 160
_LEAD = 80
"""Characters that are shown before a place in a line that is too long to be shown whole."""
_LONGEST_SEARCHED = 2_000
"""Characters of a line that are searched for credentials; of a longer line, only what follows a place is shown."""
_LONGEST_SAID = 1_000
"""Characters of a message or a remedy; what quotes more was given something that is no name."""
_MOST = 200
"""Problems of one severity: more than anybody reads, and a file named by mistake has thousands."""
_SHORTEST_CONCEALED = 16

_Key: TypeAlias = "tuple[str, str, Span | None, str | None]"


class Problems:
    """Collects diagnostics while configs are loaded, and knows the lines that they stand on."""

    def __init__(self) -> None:
        self._found: dict[_Key, Diagnostic] = {}
        self._counts: Counter[str] = Counter()
        self._lines: dict[str, list[str]] = {}
        self._shown: dict[str, str] = {}
        self._concealed: set[str] = set()

    def remember(self, file: str, text: str) -> None:
        """Keep a file's lines, to quote from."""
        self._lines[file] = text.splitlines()

    def conceal(self, node: Node) -> None:
        """Keep a text out of all messages: it came from outside of the configs, and may be a credential.

        A short one is no credential, and hiding `prod` would make messages unreadable.
        """
        if isinstance(node.value, str) and len(node.value) >= _SHORTEST_CONCEALED:
            self._concealed.add(node.value)

    def add(
        self,
        code: str,
        message: str,
        at: Node | Span | None = None,
        *,
        remedy: str | None = None,
        hide: Node | None = None,
    ) -> None:
        """Report one problem.

        Args:
            code: a key of `CODES`.
            message: what is wrong, in one sentence without a full stop.
            at: where it stands.
            remedy: what to do next.
            hide: what may be a secret there: the line is shown up to its value only.

        Raises:
            ConfigError: there are too many errors; the rest is not looked for.
        """
        title, _meaning, severity = CODES[code]
        span = at.where() if isinstance(at, Node) else at
        key = (code, message, span, remedy)
        if key in self._found or self._counts[severity] >= _MOST:
            return
        snippet, caret = self._quoted(span, hide.span if hide else None) if span else (None, 0)
        self._found[key] = Diagnostic(
            code=code,
            title=title,
            message=self._harmless(message),
            position=span.position if span else None,
            snippet=snippet,
            caret=caret,
            length=span.length if span else 1,
            remedy=self._harmless(remedy) if remedy is not None else None,
            severity=severity,
        )
        self._counts[severity] += 1
        if self._counts["error"] >= _MOST:
            self.raise_if_failed()

    @property
    def failed(self) -> bool:
        """Whether there is an error among the problems."""
        return self._counts["error"] > 0

    def sorted(self) -> tuple[Diagnostic, ...]:
        """Return the problems in the order of files and lines, those without a place first."""
        return tuple(sorted(self._found.values(), key=_order))

    def raise_if_failed(self) -> None:
        """Raise a `ConfigError` with every problem, if there is an error among them."""
        if self.failed:
            raise ConfigError(self.sorted())

    def _harmless(self, text: str) -> str:
        for value in self._concealed:
            text = text.replace(value, MASK)
        # a credential at the cut is recognized by what follows; of a text without end that is not searched to its end
        return inert(masked(text[: 2 * _LONGEST_SAID]), limit=_LONGEST_SAID)

    def _quoted(self, at: Span, hidden: Span | None) -> tuple[str | None, int]:
        """Return the line of a place as it may be shown, and how many of its characters stand before the place."""
        lines = self._lines.get(at.file, [])
        if not 0 < at.line <= len(lines):
            return None, 0
        line = lines[at.line - 1]
        if hidden is not None and hidden.line == at.line:
            line = line[: hidden.column - 1] + MASK
        before = min(at.column - 1, len(line))
        if len(line) > _LONGEST_SEARCHED:
            # Its beginning may name a credential that is still going on at the place: it is not shown.
            return f"…{self._safe(line[before : before + _LONGEST_SHOWN])}", 1
        shown = self._safe(line)
        caret = before if shown == line else len(self._safe(line[:before]))
        if caret >= len(shown) and MASK in shown:
            caret = shown.rindex(MASK)  # the place itself is masked
        if len(shown) <= _LONGEST_SHOWN or caret < _LEAD:
            return shown[:_LONGEST_SHOWN], caret
        start = caret - _LEAD
        return f"…{shown[start : start + _LONGEST_SHOWN]}", _LEAD + 1

    def _safe(self, line: str) -> str:
        """Mask a line's credentials. Tabs are kept for the caret's sake; what acts on a terminal unseen is not."""
        if line not in self._shown:
            self._shown[line] = "\t".join(map(inert, masked(line).split("\t")))
        return self._shown[line]


def _order(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    at: Position | None = diagnostic.position
    return (at.file, at.line, at.column, diagnostic.code) if at else ("", 0, 0, diagnostic.code)
