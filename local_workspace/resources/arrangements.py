"""How deployments are to go, where a test says so: slower, failing, canceled, stuck."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

Outcome = Literal["ready", "failed", "canceled", "stuck"]
OUTCOMES: tuple[Outcome, ...] = ("ready", "failed", "canceled", "stuck")


@dataclass(frozen=True)
class Arrangement:
    """One rule about the deployments of some endpoints.

    Attributes:
        match: the endpoints' names, as a glob.
        outcome: how their deployments end; `stuck`: never.
        message: what the served entities then say (`deployment_state_message`).
        seconds: how long they take; None: what the settings say.
    """

    match: str
    outcome: Outcome = "ready"
    message: str = ""
    seconds: float | None = None


class Arrangements:
    """The rules in force; the latest that matches counts."""

    def __init__(self) -> None:
        self._rules: list[Arrangement] = []

    def add(self, rule: Arrangement) -> None:
        """Put a rule in force."""
        self._rules.append(rule)

    def clear(self) -> None:
        """Let every later deployment go well again."""
        self._rules.clear()

    def find(self, name: str) -> Arrangement | None:
        """Return the rule for an endpoint, or None."""
        return next((rule for rule in reversed(self._rules) if fnmatchcase(name, rule.match)), None)
