"""One request to a workspace, without any client that is under test."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local_workspace.local import WorkspaceHandle


def request(
    workspace: WorkspaceHandle, method: str, path: str, body: object = None, *, token: str | None = None
) -> Any:  # noqa: ANN401 - JSON
    """Ask a workspace, by a path or a whole URL, and return the JSON that it answers."""
    asked = urllib.request.Request(  # noqa: S310 - loopback
        path if path.startswith("http") else f"{workspace.host}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token or workspace.token}", "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - as above
        return json.load(answer)
