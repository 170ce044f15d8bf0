"""Answers that say that somebody was faster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.errors import NotFoundError, UnreachableError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable


def taken(error: WorkspaceError, *, by_us: bool = False) -> WorkspaceError:
    """Return the failure of a create, in the words of who knows that the plan saw nothing of that name.

    Args:
        error: the failure.
        by_us: whether what has the name now is this set's.
    """
    if isinstance(error, UnreachableError):
        return error
    who = "another apply of these configs, in another version" if by_us else "something that is not ours"
    return error.restated(
        f"the name was taken since the plan was made, by {who}",
        remedy="plan again: it shows what is there now",
    )


def unless_gone(call: Callable[[], None]) -> None:
    """Make a call that deletes: what is gone already, by us or by others, is as it should be."""
    try:
        call()
    except NotFoundError:
        return
