from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from databricks.sdk import WorkspaceClient

import provisioning

if TYPE_CHECKING:
    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs


@pytest.fixture
def client(workspace: WorkspaceHandle) -> WorkspaceClient:
    """Somebody else who works in the same workspace, with the vendor's own client."""
    return WorkspaceClient(host=workspace.host, token=workspace.token)


@pytest.fixture
def placed(configs: Configs) -> Configs:
    """A scope with a secret, applied, and nothing that uses it."""
    del configs.content["resources"]["model_serving_endpoints"]
    configs.write()
    provisioning.apply(provisioning.load([configs.folder]))
    return configs
