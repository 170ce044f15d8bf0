"""What a line of the ledger says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Certainty(StrEnum):
    """How it is known that the real workspace does this, surest first."""

    OBSERVED = "observed"
    """A real workspace's answer is quoted in public, or stands in a fixture recorded from one."""
    DOCUMENTED = "documented"
    """The vendor's documentation or API reference says so."""
    SDK_EVIDENT = "SDK-evident"
    """The vendor's own clients and their test servers are written for it."""
    ASSUMED = "assumed"
    """No public source settles it: the likelier answer, mostly behind a switch."""


@dataclass(frozen=True)
class Rule:
    """One thing that the real workspace does, and this one too.

    Attributes:
        id: what witnesses name.
        says: the rule, in one sentence.
        certainty: how it is known.
        source: where from; a repository's issue or pull request is written `owner/name#number`.
        switch: the field of `Behaviour` that turns it the other way, where it is uncertain.
    """

    id: str
    says: str
    certainty: Certainty
    source: str
    switch: str | None = None


@dataclass(frozen=True)
class RouteClaim:
    """A route that the real workspace has.

    Attributes:
        certainty: how it is known.
        source: where from.
    """

    certainty: Certainty
    source: str
