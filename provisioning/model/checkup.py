"""What `doctor` finds: whether a workspace and an identity are fit for what the configs ask of them."""

from __future__ import annotations

from enum import StrEnum

from provisioning.model.base import Model


class Health(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    """It works, but not for long or not for everybody."""
    UNKNOWN = "unknown"
    """This identity may not look: no error, but nobody can promise either."""
    PROBLEM = "problem"
    """An apply, or a call to an endpoint, would fail."""


class Check(Model):
    """One thing that was looked at."""

    subject: str
    """What it is about: `host`, `identity`, `serving`, `limits`, or an object's address."""
    health: Health
    message: str
    """What was found, in one sentence."""
    remedy: str | None = None
    """What to do about it; there is one for whatever is not ok."""
