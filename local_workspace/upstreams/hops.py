"""How often one call may pass through a workspace: an endpoint may call another one, or, wrongly, itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_workspace.errors import bad_request

if TYPE_CHECKING:
    from starlette.datastructures import Headers

HEADER = "X-Local-Workspace-Hops"
"""On calls to upstreams: how many workspaces the call has passed through. No real provider reads it."""

LIMIT = 4
"""An endpoint in front of an endpoint is a design; more of them in a row is a loop."""


def next_hop(headers: Headers) -> int:
    """Count this workspace in.

    Args:
        headers: The caller's.

    Raises:
        ApiError: 400 for a loop. Not a 5xx: with fallbacks, each entity of each hop would be tried again.
    """
    passed = max((int(value) for value in headers.getlist(HEADER) if value.isdecimal()), default=0)
    if passed >= LIMIT:
        raise bad_request(
            f"The call has passed through {LIMIT} endpoints: an external model's base URL leads back to this workspace."
        )
    return passed + 1
