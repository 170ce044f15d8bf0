"""Pull requests that nobody should merge: a secret sent elsewhere, or a program run, only if somebody allows it."""

from __future__ import annotations

import copy
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import strategies as st
from proving.cases import EVERYTHING, Case
from proving.looking import objects
from proving.worlds import World, worlds

from provisioning import apply, load
from provisioning.errors import BlockedError, ProvisioningError, SourcesError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from proving.sizes import Proof

    from local_workspace.local import LocalWorkspace

ELSEWHERE = "http://127.0.0.1:9/v1"
UNREVIEWED = EVERYTHING.model_copy(update={"allow_widening": False})

Config = dict[str, Any]


def first(content: Config) -> Config:
    """Return the first endpoint of the configs."""
    found: Config = next(iter(content["resources"]["model_serving_endpoints"].values()))
    return found


def model_of(endpoint: Config) -> Config:
    found: Config = endpoint["config"]["served_entities"][0]["external_model"]
    return found


def move(endpoint: Config) -> None:
    model_of(endpoint)["openai_config"]["openai_api_base"] = ELSEWHERE


def in_place(content: Config) -> None:
    move(first(content))


def as_azure(content: Config) -> None:
    azure = {"openai_api_type": "azure", "openai_api_version": "2024-10-21", "openai_deployment_name": "d"}
    model_of(first(content))["openai_config"] |= azure
    move(first(content))


def by_another_provider(content: Config) -> None:
    model = model_of(first(content))
    key = model.pop("openai_config")["openai_api_key"]
    custom = {"custom_provider_url": ELSEWHERE, "bearer_token_auth": {"token": key}}
    model |= {"provider": "custom", "custom_provider_config": custom}


def by_a_new_entity(content: Config) -> None:
    config = first(content)["config"]
    config["served_entities"].append(copy.deepcopy(config["served_entities"][0]) | {"name": "shadow"})
    config["served_entities"][1]["external_model"]["openai_config"]["openai_api_base"] = ELSEWHERE
    routes = [{"served_entity_name": "only", "traffic_percentage": 99}]
    config["traffic_config"] = {"routes": [*routes, {"served_entity_name": "shadow", "traffic_percentage": 1}]}


def by_a_new_endpoint(content: Config) -> None:
    shadow = copy.deepcopy(first(content)) | {"name": "shadow"}
    move(shadow)
    content["resources"]["model_serving_endpoints"]["shadow"] = shadow


def by_a_successor(content: Config) -> None:
    endpoint = first(content)
    endpoint |= {"moved": {"from": endpoint["name"]}, "name": f"{endpoint['name']}-2"}
    move(endpoint)


def by_a_replacement(content: Config) -> None:
    first(content)["description"] = "cannot be changed in place"
    move(first(content))


def by_another_set(content: Config) -> None:
    """Leave the set that owns the secret's scope, and merely refer to it."""
    content["bundle"] = {"name": "another"}
    del content["resources"]["secret_scopes"]
    shadow = first(content) | {"name": "shadow"}
    move(shadow)
    content["resources"]["model_serving_endpoints"] = {"shadow": shadow}


REDIRECTIONS: Mapping[str, Callable[[Config], None]] = {
    each.__name__: each
    for each in (
        in_place, as_azure, by_another_provider, by_a_new_entity, by_a_new_endpoint, by_a_successor, by_a_replacement,
        by_another_set,
    )
}  # fmt: skip


class Review:
    """A set that is in place, and the pull requests for it."""

    def __init__(self, server: LocalWorkspace, world: World, folder: Path) -> None:
        self._workspace = server.fork()
        self._case = Case(self._workspace.host, self._workspace.token, folder)
        self._world, self._folder = world, folder
        assert self._case.apply(world) is None
        self._there = objects(self._case.api)

    def apply(self, change: Callable[[Config], None], *, allowed: bool = False, **allowances: Any) -> str:  # noqa: ANN401 - of `Access`
        """Apply the configs with a change, and return the name of what stopped that."""
        content = self._world.content()
        change(content)
        (self._folder / "databricks.yml").write_text(yaml.safe_dump(content))
        access = replace(self._case.access(self._world), **allowances)
        try:
            apply(load([self._folder], environ={}), access=access, options=EVERYTHING if allowed else UNREVIEWED)
        except ProvisioningError as error:
            return type(error).__name__
        return ""

    def require_untouched(self) -> None:
        """See that the workspace is as it was."""
        assert objects(self._case.api) == self._there

    def sends(self) -> bool:
        """Tell whether any endpoint sends to the new address now."""
        return ELSEWHERE in json.dumps([each.state for each in objects(self._case.api).values()])


def test_no_change_sends_a_secret_elsewhere_unless_somebody_allows_it(
    proof: Proof, server: LocalWorkspace, tmp_path: Path
) -> None:
    def is_stopped(drawn: tuple[World, str]) -> None:
        world, name = drawn
        review = Review(server, world, tmp_path / "configs")
        assert review.apply(REDIRECTIONS[name]) == BlockedError.__name__, name
        review.require_untouched()
        assert review.apply(REDIRECTIONS[name], allowed=True) == ""
        assert review.sends()
        proof.tried("redirections")

    drawn = st.tuples(worlds(least=1), st.sampled_from(sorted(REDIRECTIONS)))
    proof.holds(is_stopped, drawn, quick=24, full=300, shrink=False)


def test_no_change_runs_a_program_unless_somebody_allows_it(
    proof: Proof, server: LocalWorkspace, tmp_path: Path
) -> None:
    ran, program = tmp_path / "ran", tmp_path / "program.py"
    program.write_text(f"open({str(ran)!r}, 'w')\nprint('sk-of-a-program')\n")

    def is_stopped(world: World) -> None:
        ran.unlink(missing_ok=True)
        review = Review(server, world, tmp_path / "configs")

        def run_something(content: Config) -> None:
            scope = next(iter(content["resources"]["secret_scopes"].values()))
            scope["secrets"][next(iter(scope["secrets"]))] = {"command": [sys.executable, str(program)]}

        assert review.apply(run_something, allowed=True) == SourcesError.__name__
        review.require_untouched()
        assert not ran.exists()
        assert review.apply(run_something, allowed_commands=frozenset({sys.executable})) == ""
        assert ran.exists()
        proof.tried("programs")

    proof.holds(is_stopped, worlds(least=1), quick=4, full=100, shrink=False)
