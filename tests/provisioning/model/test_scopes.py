from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from provisioning.model.scopes import SecretScope
from provisioning.model.secret import SOURCES, CommandSource, EnvSource, ExternalSource

VAULT = {"resource_id": "/subscriptions/x", "dns_name": "https://v.vault.azure.net/"}
SOURCE_EXAMPLES: dict[str, dict[str, Any]] = {
    "env": {"env": "X"},
    "file": {"file": "./key.txt", "encoding": "base64"},
    "dotenv": {"dotenv": ".env", "key": "X"},
    "command": {"command": ["op", "read", "op://v/i/f"]},
    "keyring": {"keyring": "service", "user": "me"},
    "stdin": {"stdin": True},
    "external": {"external": True},
}


def scope(**fields: object) -> SecretScope:
    return SecretScope.model_validate({"name": "s"} | fields)


@pytest.mark.parametrize("kind", SOURCES)
def test_a_source_is_told_by_its_key(kind: str) -> None:
    example = SOURCE_EXAMPLES[kind]
    source = (scope(secrets={"k": example}).secrets or {})["k"]
    assert type(source) is SOURCES[kind]
    assert source.model_dump(mode="json", exclude_unset=True) == example
    assert str(source).startswith(kind)


@pytest.mark.parametrize(
    "source",
    [
        "hunter2",
        {},
        {"env": "X", "file": "y"},
        {"env": ""},
        {"env": "X", "vault": "y"},
        {"stdin": False},
        {"external": False},
        {"external": True, "version": 1},
        {"command": []},
        {"command": "op read"},
        {"dotenv": ".env"},
        {"value": "hunter2"},
        None,
    ],
)
def test_what_is_no_source_is_refused_without_repeating_it(source: object) -> None:
    with pytest.raises(ValidationError) as caught:
        scope(secrets={"k": source})
    assert "hunter2" not in str(caught.value)
    assert all(each["loc"][:2] == ("secrets", "k") for each in caught.value.errors())


def test_a_commands_arguments_are_not_shown() -> None:
    assert str(CommandSource(command=("op", "read", "--token=hunter2"))) == "command op"


@pytest.mark.parametrize("name", ["a", "a-b_c.d@e", "A" * 128, "${workspace.current_user.short_name}-keys"])
def test_names_that_the_workspace_takes_are_accepted(name: str) -> None:
    assert scope(name=name).name == name


@pytest.mark.parametrize("name", ["", "a b", "a/b", "é", "A" * 129, "a\n"])
def test_names_that_the_workspace_refuses_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        scope(name=name)


@pytest.mark.parametrize("key", ["a b", "a/b", "", "k" * 129, "_provisioning.abc"])
def test_keys_that_cannot_be_are_refused(key: str) -> None:
    with pytest.raises(ValidationError):
        scope(secrets={key: {"env": "X"}})


def test_a_key_vault_follows_from_its_metadata() -> None:
    assert scope(keyvault_metadata=VAULT).backend == "AZURE_KEYVAULT"
    assert scope().backend == "DATABRICKS"


@pytest.mark.parametrize(
    "fields",
    [
        {"backend_type": "AZURE_KEYVAULT"},
        {"backend_type": "DATABRICKS", "keyvault_metadata": VAULT},
        {"keyvault_metadata": VAULT, "secrets": {"k": {"env": "X"}}},
    ],
)
def test_a_key_vault_scope_is_read_only(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        scope(**fields)
    assert scope(keyvault_metadata=VAULT, secrets={"k": {"external": True}})


@pytest.mark.parametrize(
    "permission",
    [
        {"level": "VIEW", "group_name": "a"},
        {"level": "READ"},
        {"level": "READ", "group_name": "a", "user_name": "b"},
        {"group_name": "a"},
    ],
)
def test_a_right_has_one_level_and_one_principal(permission: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        scope(permissions=[permission])


def test_models_can_be_built_from_models() -> None:
    built = SecretScope(name="s", secrets={"a": EnvSource(env="X"), "b": ExternalSource(external=True)})
    assert built == scope(secrets={"a": {"env": "X"}, "b": {"external": True}})
