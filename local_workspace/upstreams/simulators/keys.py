"""Which keys a simulated provider takes: any that looks like the provider's, or the one that the operator pinned."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

_REFUSED = ("invalid", "sk-invalid")


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """Which keys a simulator takes.

    Attributes:
        pinned: The only key taken; None takes any that looks like the provider's.
        prefix: How the provider's keys begin.
    """

    pinned: str | None = None
    prefix: str = ""

    def accepts(self, key: str) -> bool:
        """Whether the provider would take this key."""
        if self.pinned is not None:
            return hmac.compare_digest(key.encode(), self.pinned.encode())
        return len(key) > len(self.prefix) and key.startswith(self.prefix) and not key.startswith(_REFUSED)
