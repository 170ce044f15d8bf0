"""Fixtures for tests against a local workspace; pytest finds them by itself once the distribution is installed.

    def test_apply(databricks_env):
        WorkspaceClient().secrets.create_scope("team")
        assert databricks_env.requests[-1].status == 200

    @pytest.mark.local_workspace(deploy_seconds=60)
    def test_waits(local_workspace):
        ...
        local_workspace.clock.advance(60)

Each test gets a workspace of its own, in this process, on its own port: it starts in milliseconds and nothing is
shared, so tests may run in parallel.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_workspace.local import LocalWorkspace


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers", "local_workspace(**settings): how the test's `local_workspace` is run (deploy_seconds=0, …)"
    )


@pytest.fixture
def local_workspace(request: pytest.FixtureRequest) -> Iterator[LocalWorkspace]:
    """A Databricks workspace on localhost: `.host`, `.token`, `.requests`, `.faults`, `.clock`, `.endpoints`."""
    # Imported by the tests that use it: every pytest run of every project loads this plugin.
    from local_workspace.local import LocalWorkspace  # noqa: PLC0415

    marker = request.node.get_closest_marker("local_workspace")
    with LocalWorkspace(**({} if marker is None else marker.kwargs)) as workspace:
        yield workspace


@pytest.fixture
def databricks_env(local_workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch) -> LocalWorkspace:
    """The same workspace, with the environment pointing to it and to nothing else."""
    for name in list(os.environ):
        if name.startswith("DATABRICKS_"):
            monkeypatch.delenv(name)
    # An absent file: the developer's own profiles stay out.
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("DATABRICKS_HOST", local_workspace.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", local_workspace.token)
    return local_workspace
