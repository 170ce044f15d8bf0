"""What a plan depends on besides the configs and the workspace."""

from __future__ import annotations

from provisioning.model.base import Model


class Options(Model):
    """What the user allowed a plan to contain. Each flag opens one guard; without it the guard stays closed."""

    adopt: bool = False
    """Take over what is live and belongs to no set."""
    prune: bool = False
    """Delete what the set owns and the configs no longer name."""
    allow_destructive: bool = False
    """Replace endpoints, delete scopes, and prune a large share of what is there."""
    allow_widening: bool = False
    """Send a secret elsewhere, or give more people access, on an object that existed and was ours."""
    write_unknown_secrets: bool = False
    """Write secrets of which it cannot be told whether they differ."""
    overwrite_outside_changes: bool = False
    """In production mode, put back what somebody changed outside of the configs."""


class Circumstances(Model):
    """Who applies, for which set, with which permission."""

    owner: str
    """The set's id."""
    user: str
    """The identity's `userName`."""
    deployer: str | None = None
    """The target's deployer, if it names one."""
    production: bool = False
    """Whether the target's mode is production."""
    options: Options = Options()
    """What the user allowed."""
