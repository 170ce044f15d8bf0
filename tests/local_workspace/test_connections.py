from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service.serving import ExternalFunctionRequestHttpMethod

if TYPE_CHECKING:
    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Api

PATH = "/api/2.0/external-function"


@pytest.mark.witness("POST /api/2.0/external-function", client="databricks-sdk")
def test_a_connection_that_does_not_exist_is_a_404_for_the_sdk(workspace: LocalWorkspace) -> None:
    client = WorkspaceClient(host=workspace.host, token=workspace.token)
    with pytest.raises(NotFound, match="Connection 'github' does not exist"):
        client.serving_endpoints.http_request("github", ExternalFunctionRequestHttpMethod.GET, "/user")


@pytest.mark.parametrize(
    "body",
    [
        {"method": "GET", "path": "/"},
        {"connection_name": "x", "path": "/"},
        {"connection_name": "x", "method": "GET"},
        {"connection_name": "x", "method": "BREW", "path": "/"},
        {"connection_name": "x", "method": "GET", "path": "/", "json": {}},
    ],
)
def test_a_wrong_request_is_refused_before_the_connection_is_looked_for(api: Api, body: object) -> None:
    assert api("POST", PATH, body).error == (400, "INVALID_PARAMETER_VALUE")
