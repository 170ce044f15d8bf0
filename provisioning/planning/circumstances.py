"""What a plan depends on besides the configs and the workspace."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from provisioning.model.base import Model
from provisioning.model.ownership import set_id

if TYPE_CHECKING:
    from provisioning.model.workspace import Desired, Live


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
    compare_values: bool = False
    """Fetch the live values of secrets and compare those, where this identity may read them. It opens no guard."""
    hash_tag: bool = True
    """Remember in a tag what the configs said; without it nobody can tell an outside change from an edited config."""


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
    today: date
    """The day, in UTC: holds end."""
    options: Options = Options()
    """What the user allowed."""


def circumstances_of(desired: Desired, live: Live, options: Options | None = None) -> Circumstances:
    """Gather what a plan depends on.

    Args:
        desired: the configs.
        live: the workspace.
        options: what the user allowed.
    """
    return Circumstances(
        owner=set_id(desired, workspace_id=live.workspace_id, user=live.user),
        user=live.user,
        deployer=desired.target.deployer,
        production=desired.target.mode == "production",
        today=live.taken_on,
        options=options or Options(),
    )
