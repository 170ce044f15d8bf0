"""Endpoints whose upstream is an endpoint of the same workspace: in a row they answer, in a loop they end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Api

FOUNDATION = "databricks-meta-llama-3-3-70b-instruct"
HELLO = {"messages": [{"role": "user", "content": "Say hello"}]}


@pytest.fixture
def to_workspace(workspace: LocalWorkspace, put_key: Callable[..., None]) -> Callable[[str, str], dict[str, Any]]:
    """An external model that is an endpoint of this workspace, by either of the ways to name one."""
    put_key(workspace.token)

    def model(name: str, provider: str) -> dict[str, Any]:
        if provider == "openai":
            config = {"openai_api_base": f"{workspace.host}/serving-endpoints", "openai_api_key": "{{secrets/s/k}}"}
            return {"provider": provider, "name": name, "openai_config": config}
        databricks = {"databricks_workspace_url": workspace.host, "databricks_api_token": "{{secrets/s/k}}"}
        return {"provider": provider, "name": name, "databricks_model_serving_config": databricks}

    return model


@pytest.mark.parametrize("provider", ["openai", "databricks-model-serving"])
def test_an_endpoint_in_front_of_another_answers(
    api: Api, serve: Callable[..., None], to_workspace: Callable[[str, str], dict[str, Any]], provider: str
) -> None:
    serve(to_workspace(FOUNDATION, provider), name="back")
    serve(to_workspace("back", provider), name="front")
    assert api.ok("POST", "/serving-endpoints/front/invocations", HELLO)["choices"][0]["message"]["content"] == "hello"


@pytest.mark.parametrize("provider", ["openai", "databricks-model-serving"])
def test_a_loop_ends_soon_even_with_fallbacks(
    api: Api,
    workspace: LocalWorkspace,
    serve: Callable[..., None],
    to_workspace: Callable[[str, str], dict[str, Any]],
    provider: str,
) -> None:
    itself = to_workspace("loop", provider)
    serve(itself, itself, name="loop", traffic=(100, 0), ai_gateway={"fallback_config": {"enabled": True}})
    workspace.requests.clear()
    answer = api("POST", "/serving-endpoints/loop/invocations", HELLO)
    assert answer.status == 400
    assert "leads back to this workspace" in str(answer.body)
    assert len(workspace.requests) == 5
