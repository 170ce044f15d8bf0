"""Which endpoints use which secrets: whatever the workspace lets this identity see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.errors import NotPermittedError
from provisioning.model.references import uses_in
from provisioning.model.usage import Usage
from provisioning.model.values import SecretKey
from provisioning.workspace.endpoints import get_endpoint, list_endpoints
from provisioning.workspace.parallel import in_parallel
from provisioning.workspace.shapes import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from provisioning.workspace.client import Connection


def read_usage(connection: Connection, *, names: Sequence[str] | None = None) -> Usage:
    """Look into endpoints for references to secrets: in what they serve, and in what is on its way.

    Args:
        connection: the workspace.
        names: the endpoints to look into; None for all that are listed.
    """
    wanted = list(names) if names is not None else [text(each.get("name")) for each in list_endpoints(connection)]
    users: dict[SecretKey, list[str]] = {}
    unseen: list[str] = []

    def look(name: str) -> Mapping[str, JsonValue] | None:
        # a list leaves out most of an endpoint's config
        try:
            return get_endpoint(connection, name) or {}
        except NotPermittedError:
            return None

    for name, body in zip(wanted, in_parallel(wanted, look), strict=True):
        if body is None:
            unseen.append(name)
            continue
        for scope, key in dict.fromkeys(each.secret for each in uses_in(dict(body))):
            users.setdefault(SecretKey(scope.lower(), key), []).append(name)
    return Usage(users={secret: tuple(found) for secret, found in users.items()}, unseen=tuple(unseen))
