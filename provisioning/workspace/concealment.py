"""Texts of a server without the secrets that we sent to it: some repeat in an error what they could not take."""

from __future__ import annotations

import base64
import json
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

CONCEALED = "(secret)"

_SHORTEST = 4
"""Characters below which a text is no secret, and appears everywhere."""


class Concealment:
    """The secrets that were sent over one connection. Safe to share among threads."""

    def __init__(self) -> None:
        self._forms: tuple[str, ...] = ()
        self._lock = threading.Lock()

    def add(self, *values: SecretStr) -> None:
        """Conceal these values from now on, in every form that servers are known to repeat them in."""
        found = {form for each in values for form in _forms(each.get_secret_value()) if len(form) >= _SHORTEST}
        with self._lock:
            # the longest first: a line of a value must not be cut out of the whole
            self._forms = tuple(sorted(found | set(self._forms), key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """Return a text without them."""
        for form in self._forms:
            text = text.replace(form, CONCEALED)
        return text

    def __bool__(self) -> bool:
        """Tell whether there is anything to conceal."""
        return bool(self._forms)


def _forms(value: str) -> Iterator[str]:
    for part in (value, value.strip(), *(line.strip() for line in value.splitlines())):
        yield part
        yield json.dumps(part)[1:-1]
        yield json.dumps(part, ensure_ascii=False)[1:-1]
        yield repr(part)[1:-1]
        yield quote(part)
        yield quote(part, safe="")
        yield quote_plus(part)
        yield base64.b64encode(part.encode()).decode()
        yield base64.urlsafe_b64encode(part.encode()).decode()
