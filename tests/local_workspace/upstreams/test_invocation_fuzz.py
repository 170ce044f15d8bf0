"""Generated calls, good, odd and hostile, aimed at endpoints that exist: none is answered otherwise than documented."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
import schemathesis
import urllib3
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode

from local_workspace import LocalWorkspace
from local_workspace.app import api_routes
from local_workspace.openapi import document

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = int(os.environ.get("GATEWRIGHT_FUZZ_EXAMPLES", "3"))
"""Requests for each route: few in every run; set it higher for a long one."""

CHAT = ("external", "databricks-meta-llama-3-3-70b-instruct")
AIMS = {"/embeddings": ("databricks-gte-large-en",), "/messages": ("databricks-claude-sonnet-4",)}
"""By the end of a route's path, where its calls go; the others' go to `CHAT`."""

schema = schemathesis.openapi.from_dict(document(api_routes())).include(path_regex="^/serving-endpoints/")
schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
# Each bound of each field: 0.3 s a route to work out, as tests are collected, in every process of the suite.
schema.config.phases.coverage.enabled = "GATEWRIGHT_FUZZ_EXAMPLES" in os.environ


@pytest.fixture(scope="module")
def running() -> Iterator[LocalWorkspace]:
    config = {"openai_api_key_plaintext": "sk-simulated"}
    model = {"provider": "openai", "name": "gpt-4o", "task": "llm/v1/chat", "openai_config": config}
    body = {"name": "external", "config": {"served_entities": [{"name": "gpt-4o", "external_model": model}]}}
    with LocalWorkspace(deploy_seconds=0) as workspace, urllib3.PoolManager(retries=False, timeout=10) as pool:
        headers = {"Authorization": f"Bearer {workspace.token}"}
        url = f"{workspace.host}/api/2.0/serving-endpoints"
        assert pool.request("POST", url, body=json.dumps(body), headers=headers).status == 200
        yield workspace


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_call_is_answered_otherwise_than_documented(case: schemathesis.Case, running: LocalWorkspace) -> None:
    for endpoint in next((aims for end, aims in AIMS.items() if case.operation.path.endswith(end)), CHAT):
        if "name" in case.path_parameters:
            case.path_parameters["name"] = endpoint
        if isinstance(case.body, dict) and isinstance(case.body.get("model"), str):
            case.body["model"] = endpoint
        answer = case.call(base_url=running.host, headers={"Authorization": f"Bearer {running.token}"})
        assert str(answer.status_code) in case.operation.definition.raw["responses"], answer.text
        assert answer.status_code < 500, (answer.status_code, answer.text)
