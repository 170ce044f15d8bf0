"""What the published document says, held against what answers, with generated requests: good, odd and hostile."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode

from local_workspace import LocalWorkspace
from local_workspace.app import api_routes
from local_workspace.openapi import document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local_workspace.conftest import Api

EXAMPLES = int(os.environ.get("GATEWRIGHT_FUZZ_EXAMPLES", "3"))
"""Requests a route: few in every run; set it higher for a long one."""


@pytest.fixture(scope="module")
def running() -> Iterator[LocalWorkspace]:
    with LocalWorkspace(deploy_seconds=0, custom_deploy_seconds=0) as workspace:
        yield workspace


# Calls to endpoints are aimed at some that exist, in upstreams/test_invocation_fuzz.py.
schema = schemathesis.openapi.from_dict(document(api_routes())).include(path_regex="^/api/")
schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
# Each bound of each field: 0.3 s a route to work out, as tests are collected, in every process of the suite.
schema.config.phases.coverage.enabled = "GATEWRIGHT_FUZZ_EXAMPLES" in os.environ


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_is_answered_otherwise_than_documented(case: schemathesis.Case, running: LocalWorkspace) -> None:
    answer = case.call(base_url=running.host, headers={"Authorization": f"Bearer {running.token}"})
    documented = case.operation.definition.raw["responses"]
    assert str(answer.status_code) in documented, (answer.status_code, answer.text)
    if answer.status_code >= 400:
        assert {"error_code", "message"} <= set(answer.json())


def test_every_route_of_the_api_is_published(api: Api) -> None:
    paths = api.ok("GET", "/_local/openapi")["paths"]
    assert len(paths) > 30
    assert "/api/2.0/serving-endpoints/{name}/config" in paths
    assert not any(path.startswith("/_local") for path in paths)
