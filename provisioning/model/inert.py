"""How text that somebody else wrote is made harmless before it is shown or kept.

A server's message, a tag or a principal's name ends up on terminals, in CI logs and in pull-request comments.
There, control characters (C0, C1), escape sequences (OSC writes the clipboard) and bidirectional overrides do
things that a reader does not see.
"""

from __future__ import annotations

import unicodedata

LONGEST_MESSAGE = 600
"""Characters of a server's message that are worth keeping; what is longer is a stack trace or an HTML page."""

_UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def inert(text: str, *, limit: int | None = None) -> str:
    r"""Return one line of text without anything that acts on a terminal.

    Args:
        text: what somebody else wrote.
        limit: characters after which it is cut, the cut being marked with `…`; None keeps all.

    Returns:
        The text with line ends and tabs as spaces and every other invisible character as `\u{hex}`.
    """
    if limit is not None:
        text = text[: limit + 1]  # no character gets shorter, so what follows is cut anyway
    shown = text if text.isprintable() else "".join(_visible(each) for each in text)
    return shown if limit is None or len(shown) <= limit else f"{shown[: limit - 1]}…"


def _visible(character: str) -> str:
    if character in "\n\r\t":
        return " "
    return f"\\u{{{ord(character):x}}}" if unicodedata.category(character) in _UNSEEN else character
