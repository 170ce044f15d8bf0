"""A secret on a line of a .env file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioning.errors import SecretSourceError
from provisioning.secret_sources.decoding import text_of
from provisioning.secret_sources.file import content_of

if TYPE_CHECKING:
    from provisioning.model.secret import DotenvSource
    from provisioning.secret_sources.place import Place

_ASSIGNMENT = re.compile(
    r"""(?mx)
    ^ [ \t]* (?: export [ \t]+ )? (?P<key> [A-Za-z_][\w.-]* ) [ \t]* = [ \t]*
    (?: ' (?P<raw> [^']* ) ' | " (?P<quoted> (?: [^"\\] | \\. )* ) " | (?P<bare> [^\n]*? ) )
    [ \t]* (?: (?<=[ \t'"]) \# [^\n]* )? \r? $
    """,
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def read(source: DotenvSource, place: Place) -> str:
    """Return the key's value, the last one if it is there twice. `$` is text: nothing is expanded."""
    text = text_of(content_of(source.dotenv, str(source), place))
    if text is None:
        raise SecretSourceError(f"{source} is not utf-8 text", position=place.position)
    value = ""
    for match in _ASSIGNMENT.finditer(text.removeprefix("\ufeff")):
        if match["key"] == source.key:
            value = _value(match)
    return value


def _value(match: re.Match[str]) -> str:
    if match["quoted"] is not None:
        return re.sub(r"\\(.)", lambda each: _ESCAPES.get(each[1], each[1]), match["quoted"], flags=re.DOTALL)
    return match["raw"] if match["raw"] is not None else match["bare"]
