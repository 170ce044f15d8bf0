"""The example that users start from must be right, and must be what the documentation says of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from provisioning.config import load
from provisioning.model.secret import EnvSource

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("target", [None, "local", "prod"])
def test_the_example_loads_without_a_single_remark(target: str | None) -> None:
    assert load([CONFIGS], target=target, environ={}).notes == ()


def test_the_default_target_is_the_workspace_on_this_machine() -> None:
    target = load([CONFIGS], environ={}).target
    assert (target.name, target.host) == ("local", None)


def test_the_production_target_names_its_workspace() -> None:
    target = load([CONFIGS], target="prod", environ={}).target
    assert target.mode == "production"
    assert (target.host or "").startswith("https://")


def test_the_key_comes_from_the_environment_and_only_admins_manage_it() -> None:
    [scope] = load([CONFIGS], environ={}).scopes
    assert dict(scope.secrets or {}) == {"openai-api-key": EnvSource(env="OPENAI_API_KEY")}
    assert [(each.principal, each.level) for each in scope.permissions or ()] == [("admins", "MANAGE")]


def test_everybody_may_call_the_endpoint() -> None:
    [endpoint] = load([CONFIGS], environ={}).endpoints
    assert endpoint.name == "my-chat"
    assert [(each.principal, each.level) for each in endpoint.permissions or ()] == [("users", "CAN_QUERY")]
    assert endpoint.tags
    assert endpoint.ai_gateway is not None
    assert endpoint.ai_gateway.usage_tracking_config is not None
    assert endpoint.ai_gateway.rate_limits


def test_variables_reach_the_endpoint() -> None:
    [endpoint] = load([CONFIGS], variables={"model": "gpt-5-mini"}, environ={}).endpoints
    assert "gpt-5-mini" in repr(endpoint)


def test_only_the_side_file_holds_what_a_bundle_does_not_know() -> None:
    for path in CONFIGS.rglob("*.yml"):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert ("provisioning" in document) == path.name.endswith(".secrets.yml")
        scopes = document.get("resources", {}).get("secret_scopes", {})
        assert all("secrets" not in scope for scope in scopes.values())
