"""What the proofs ask for: small sets of configs, drawn at random, and what a workspace must hold once they apply.

What is expected is worked out here, from the spec alone: nothing of `provisioning` is asked what would be right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import strategies as st

from provisioning import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from provisioning.model.workspace import Desired

SET_NAME = "proof"
KEYS = ("first", "second")


@dataclass(frozen=True)
class Scope:
    """A scope: the values of its keys by number, and its ACLs."""

    secrets: Mapping[str, int] = field(default_factory=dict)
    acls: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Endpoint:
    """An endpoint on OpenAI that reads one secret."""

    scope: str
    key: str
    model: str = "gpt-4o"
    calls: int = 60
    team: str = "ml"
    grants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """A set of configs. Names are unique, and each endpoint's secret is one of the set's own."""

    scopes: Mapping[str, Scope]
    endpoints: Mapping[str, Endpoint]

    def environ(self) -> dict[str, str]:
        """Return the environment that holds the secrets' values."""
        return {
            _variable(name, key): value_of(name, key, number)
            for name, scope in self.scopes.items()
            for key, number in scope.secrets.items()
        }

    def desired(self, folder: Path, *, name: str | None = SET_NAME) -> Desired:
        """Return it as the configs of a folder, which is (over)written.

        Args:
            folder: the folder.
            name: the set's name; None leaves naming it to the folder.
        """
        folder.mkdir(exist_ok=True, parents=True)
        (folder / "databricks.yml").write_text(yaml.safe_dump(self.content(name=name)))
        return load([folder], environ={})

    def content(self, *, name: str | None = SET_NAME) -> dict[str, Any]:
        """Return the YAML's content."""
        return {
            **({"bundle": {"name": name}} if name else {}),
            "targets": {"local": {"default": True}},
            "resources": {
                "secret_scopes": {name: _scope(name, scope) for name, scope in self.scopes.items()},
                "model_serving_endpoints": {name: _endpoint(name, each) for name, each in self.endpoints.items()},
            },
        }

    def expected(self, caller: str) -> dict[str, Any]:
        """Return what `looking.look` must see, if the caller made it all."""
        return {
            "scopes": {
                name: {
                    "secrets": {key: value_of(name, key, number) for key, number in scope.secrets.items()},
                    "acls": {**scope.acls, caller: "MANAGE"},
                }
                for name, scope in self.scopes.items()
            },
            "endpoints": {
                name: {
                    "config": [(each.model, f"{{{{secrets/{each.scope}/{each.key}}}}}")],
                    "calls": each.calls,
                    "team": each.team,
                    "grants": dict(each.grants),
                    "ready": True,
                }
                for name, each in self.endpoints.items()
            },
        }


def value_of(scope: str, key: str, number: int) -> str:
    """Return a secret's value; each is different from all others, so that a mix-up shows."""
    return f"sk-{scope}-{key}-{number}"


def worlds(*, least: int = 0) -> st.SearchStrategy[World]:
    """Draw sets of at most two scopes and three endpoints.

    Args:
        least: how many of each there are at least.
    """
    return _worlds(max(1, least), least)


@st.composite
def _worlds(draw: st.DrawFn, scopes: int, endpoints: int) -> World:
    drawn = draw(st.dictionaries(st.sampled_from(("llm", "tools")), _SCOPES, min_size=scopes))
    kept = st.sampled_from([(name, key) for name, scope in sorted(drawn.items()) for key in sorted(scope.secrets)])
    return World(
        scopes=drawn,
        endpoints=draw(
            st.dictionaries(
                st.sampled_from(("chat", "draft", "judge")),
                st.builds(
                    lambda secret, **fields: Endpoint(scope=secret[0], key=secret[1], **fields),
                    kept,
                    model=st.sampled_from(("gpt-4o", "gpt-4.1", "gpt-5")),
                    calls=st.sampled_from((10, 60, 600)),
                    team=st.sampled_from(("ml", "search")),
                    grants=st.dictionaries(st.just("users"), st.sampled_from(("CAN_VIEW", "CAN_QUERY"))),
                ),
                min_size=endpoints,
            )
        ),
    )


_SCOPES = st.builds(
    Scope,
    secrets=st.dictionaries(st.sampled_from(KEYS), st.integers(0, 2), min_size=1),
    acls=st.dictionaries(st.sampled_from(("admins", "readers")), st.sampled_from(("READ", "WRITE", "MANAGE"))),
)


def _variable(scope: str, key: str) -> str:
    return f"{scope}_{key}".upper()


def _scope(name: str, scope: Scope) -> dict[str, Any]:
    return {
        "name": name,
        "secrets": {key: {"env": _variable(name, key)} for key in scope.secrets},
        "permissions": [{"level": level, "group_name": group} for group, level in scope.acls.items()],
    }


def _endpoint(name: str, endpoint: Endpoint) -> dict[str, Any]:
    model = {
        "provider": "openai",
        "name": endpoint.model,
        "task": "llm/v1/chat",
        "openai_config": {"openai_api_key": f"{{{{secrets/{endpoint.scope}/{endpoint.key}}}}}"},
    }
    return {
        "name": name,
        "config": {"served_entities": [{"name": "only", "external_model": model}]},
        "ai_gateway": {"rate_limits": [{"key": "endpoint", "calls": endpoint.calls, "renewal_period": "minute"}]},
        "tags": [{"key": "team", "value": endpoint.team}],
        "permissions": [{"level": level, "group_name": group} for group, level in endpoint.grants.items()],
    }
