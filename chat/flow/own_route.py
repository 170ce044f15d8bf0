"""Access to an endpoint: by the workspace's route, or, if it is route-optimized, by its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from chat.errors import AuthError, ChatError, NotFoundError
from chat.flow.readiness import read_state
from chat.flow.steps import Authorize, Endpoint, Flow
from chat.wire import INVOCATIONS

if TYPE_CHECKING:
    from chat.errors import RefusedError
    from chat.flow.retry import Memory
    from chat.wire import Access, Dialect

# What a workspace says of such an endpoint is not on record word for word.
_OF_ROUTES = r"(?i)route[- ]optimi[sz]|endpoint_url|data[- ]?plane"


def authorized(endpoint: Endpoint, memory: Memory, *, dialect: Dialect) -> Flow[Access]:
    """Get the access for a call to an endpoint; arguments and errors as `renewed`."""
    access = yield from renewed(endpoint, memory, dialect=dialect, refused=None)
    return cast("Access", access)  # there is always one while none was refused


def renewed(endpoint: Endpoint, memory: Memory, *, dialect: Dialect, refused: Access | None) -> Flow[Access | None]:
    """Get another access than one that was refused.

    Args:
        endpoint: which.
        memory: what is known of it.
        dialect: how the request is put; only an invocation takes the endpoint's own route.
        refused: what was just refused, if anything was.

    Returns:
        The access; None if what was refused is all that there is.

    Raises:
        AuthError: it takes OAuth tokens alone, and there is none; it was not called.
    """
    if dialect is not INVOCATIONS or not (endpoint.route_optimized or memory.route):
        plain: Access | None = yield Authorize(endpoint, refused=refused)
        return plain
    access: Access = yield Authorize(endpoint)
    if access.personal:
        raise AuthError(
            f"Endpoint {endpoint.name!r} is route-optimized: it takes OAuth tokens only, and this is a personal access "
            "token; it was not called.",
            remedy="Log in as a service principal (DATABRICKS_CLIENT_ID, DATABRICKS_CLIENT_SECRET) or by "
            "`databricks auth login`.",
        )
    if not memory.looked:
        yield from read_state(endpoint, learn=memory.learn)
    if memory.route is None and refused is None:
        return access
    own: Access | None = yield Authorize(endpoint, route=memory.route, refused=refused)
    return own


def rerouted(endpoint: Endpoint, memory: Memory, error: RefusedError) -> Flow[bool]:
    """Find out whether a refused call has to take another route: the endpoint's own, or another one of its own.

    Args:
        endpoint: which.
        memory: what is known of it; learns what is found.
        error: how it refused.
    """
    before = memory.route
    gone = before is not None and isinstance(error, NotFoundError)  # made anew, an endpoint has a new route
    if not gone and not re.search(_OF_ROUTES, error.message):
        return False
    try:
        yield from read_state(endpoint, learn=memory.learn)
    except ChatError:
        return False  # the call's own refusal says more
    return memory.route != before
