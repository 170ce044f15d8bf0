from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from databricks.sdk import WorkspaceClient

if TYPE_CHECKING:
    from local_workspace.local import WorkspaceHandle


@pytest.fixture
def client(workspace: WorkspaceHandle) -> WorkspaceClient:
    """Somebody else who works in the same workspace, with the vendor's own client."""
    return WorkspaceClient(host=workspace.host, token=workspace.token)
