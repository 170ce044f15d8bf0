from __future__ import annotations

from typing import Literal

import pytest

from provisioning.model.ownership import (
    config_hash,
    is_marker,
    marker_key,
    marker_owners,
    read_config_hash,
    set_id,
)
from provisioning.model.workspace import Desired, Target


def desired(
    *, name: str = "chat", target: str = "prod", mode: Literal["development", "production"] | None = None
) -> Desired:
    return Desired(set_name=name, named=True, target=Target(name=target, mode=mode))


def test_set_id_differs_by_workspace_name_and_target() -> None:
    ids = {
        set_id(desired(), workspace_id="1", user="ann"),
        set_id(desired(), workspace_id="2", user="ann"),
        set_id(desired(name="other"), workspace_id="1", user="ann"),
        set_id(desired(target="dev"), workspace_id="1", user="ann"),
    }

    assert len(ids) == 4


@pytest.mark.parametrize(("mode", "same"), [(None, True), ("production", True), ("development", False)])
def test_user_counts_in_development_alone(mode: str | None, *, same: bool) -> None:
    ann, bob = (set_id(desired(mode=mode), workspace_id="1", user=user) for user in ("ann", "bob"))

    assert (ann == bob) is same


def test_hash_tag_names_the_managed_blocks_and_reads_back() -> None:
    made = config_hash({"config": {}, "tags": []})

    assert made.blocks == "ct"
    assert read_config_hash(str(made)) == made


@pytest.mark.parametrize("tag", [None, "", "rubbish", "9.ct.abc", "1.ct"])
def test_tag_by_other_rules_is_not_compared(tag: str | None) -> None:
    assert read_config_hash(tag) is None


def test_owning_shows_in_a_plain_list_of_keys() -> None:
    assert marker_owners(["a", marker_key("s2"), marker_key("s1")]) == ("s1", "s2")
    assert is_marker(marker_key("s1"))
    assert not is_marker("provisioning")
