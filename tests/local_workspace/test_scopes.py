from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from local_workspace import Behaviour, LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.local_workspace.conftest import Api

SECRETS = "/api/2.0/secrets"


def test_a_new_workspace_lists_no_scopes(api: Api) -> None:
    assert api.ok("GET", f"{SECRETS}/scopes/list") == {}


def test_a_created_scope_is_listed_and_its_creator_manages_it(api: Api) -> None:
    assert api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"}) == {}
    assert api.ok("GET", f"{SECRETS}/scopes/list") == {"scopes": [{"name": "team", "backend_type": "DATABRICKS"}]}
    acls = api.ok("GET", f"{SECRETS}/acls/list", query={"scope": "team"})
    assert acls == {"items": [{"principal": "local-admin@example.com", "permission": "MANAGE"}]}


@pytest.mark.witness("scope-users-manage", client="HTTP")
def test_initial_manage_principal_users_leaves_the_creator_without_an_own_acl(api: Api) -> None:
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team", "initial_manage_principal": "users"})
    acls = api.ok("GET", f"{SECRETS}/acls/list", query={"scope": "team"})
    assert acls == {"items": [{"principal": "users", "permission": "MANAGE"}]}


@pytest.mark.witness("scope-manager-users-alone", client="HTTP")
def test_any_other_initial_manage_principal_is_refused(api: Api) -> None:
    answer = api("POST", f"{SECRETS}/scopes/create", {"scope": "team", "initial_manage_principal": "ann@example.com"})
    assert answer.error == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.witness("scope-name-case", "scope-exists", client="HTTP")
def test_scope_names_are_unique_whatever_their_case(api: Api) -> None:
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "Team"})
    answer = api("POST", f"{SECRETS}/scopes/create", {"scope": "tEAM"})
    assert answer.status == 400
    assert answer.body == {"error_code": "RESOURCE_ALREADY_EXISTS", "message": "Scope tEAM already exists!"}
    api.ok("POST", f"{SECRETS}/put", {"scope": "TEAM", "key": "k", "string_value": "v"})
    assert api.ok("GET", f"{SECRETS}/get", query={"scope": "team", "key": "k"})["key"] == "k"


@pytest.mark.parametrize("name", ["", "white space", "semi;colon", "ä", "x" * 129, "a:b"])
def test_a_bad_scope_name_is_refused(api: Api, name: str) -> None:
    answer = api("POST", f"{SECRETS}/scopes/create", {"scope": name})
    assert answer.error == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("name", ["a", "x" * 128, "a-b_c.d@e", "with/slash"])
@pytest.mark.witness("scope-name-form", client="HTTP")
def test_a_good_scope_name_is_taken(api: Api, name: str) -> None:
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": name})


@pytest.mark.witness("scope-limit", client="HTTP")
def test_the_thousand_and_first_scope_is_refused(workspace: LocalWorkspace, api: Api) -> None:
    admin = workspace._workspace.identities.get("local-admin@example.com")
    for number in range(1000):
        workspace._workspace.scopes.create(f"s{number}", identity=admin)
    assert api("POST", f"{SECRETS}/scopes/create", {"scope": "more"}).error == (400, "RESOURCE_LIMIT_EXCEEDED")


@pytest.mark.witness("scope-delete-cascades", client="HTTP")
def test_deleting_a_scope_deletes_its_secrets_and_acls(api: Api) -> None:
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    api.ok("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "string_value": "v"})
    api.ok("POST", f"{SECRETS}/acls/put", {"scope": "team", "principal": "users", "permission": "READ"})
    assert api.ok("POST", f"{SECRETS}/scopes/delete", {"scope": "team"}) == {}
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    assert api.ok("GET", f"{SECRETS}/list", query={"scope": "team"}) == {}
    assert len(api.ok("GET", f"{SECRETS}/acls/list", query={"scope": "team"})["items"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/scopes/delete", {"scope": "none"}),
        ("POST", "/put", {"scope": "none", "key": "k", "string_value": "v"}),
        ("POST", "/delete", {"scope": "none", "key": "k"}),
        ("POST", "/acls/put", {"scope": "none", "principal": "users", "permission": "READ"}),
        ("GET", "/list?scope=none", None),
        ("GET", "/get?scope=none&key=k", None),
        ("GET", "/acls/list?scope=none", None),
    ],
)
@pytest.mark.witness("scope-missing", client="HTTP")
def test_a_scope_that_does_not_exist_is_a_404_in_the_real_words(
    api: Api, method: str, path: str, body: dict[str, Any] | None
) -> None:
    answer = api(method, SECRETS + path, body)
    assert answer.status == 404
    assert answer.body == {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Scope none does not exist!"}


@pytest.mark.witness("scope-keyvault", "scope-keyvault-creatable", client="HTTP")
def test_a_keyvault_scope_keeps_its_metadata_and_takes_no_secrets(api: Api) -> None:
    keyvault = {"resource_id": "/subscriptions/x", "dns_name": "https://x.vault.azure.net/"}
    body = {"scope": "kv", "scope_backend_type": "AZURE_KEYVAULT", "backend_azure_keyvault": keyvault}
    api.ok("POST", f"{SECRETS}/scopes/create", body)
    listed = api.ok("GET", f"{SECRETS}/scopes/list")["scopes"]
    assert listed == [{"name": "kv", "backend_type": "AZURE_KEYVAULT", "keyvault_metadata": keyvault}]
    put = api("POST", f"{SECRETS}/put", {"scope": "kv", "key": "k", "string_value": "v"})
    assert put.error == (400, "BAD_REQUEST")
    assert api("POST", f"{SECRETS}/delete", {"scope": "kv", "key": "k"}).error == (400, "BAD_REQUEST")


def test_a_keyvault_scope_without_its_metadata_is_refused(api: Api) -> None:
    body = {"scope": "kv", "scope_backend_type": "AZURE_KEYVAULT"}
    assert api("POST", f"{SECRETS}/scopes/create", body).error == (400, "BAD_REQUEST")


def test_a_text_and_its_bytes_are_read_back_as_base64(api: Api) -> None:
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    api.ok("POST", f"{SECRETS}/put", {"scope": "team", "key": "text", "string_value": "clé"})
    encoded = base64.b64encode(b"\x00\xff").decode()
    api.ok("POST", f"{SECRETS}/put", {"scope": "team", "key": "bytes", "bytes_value": encoded})
    text = api.ok("GET", f"{SECRETS}/get", query={"scope": "team", "key": "text"})
    assert text == {"key": "text", "value": base64.b64encode("clé".encode()).decode()}
    assert api.ok("GET", f"{SECRETS}/get", query={"scope": "team", "key": "bytes"})["value"] == encoded


@pytest.mark.witness("secret-timestamp", client="HTTP")
def test_writing_a_key_again_moves_its_timestamp(api: Api, workspace: LocalWorkspace) -> None:
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    api.ok("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "string_value": "old"})
    first = api.ok("GET", f"{SECRETS}/list", query={"scope": "team"})["secrets"]
    workspace.clock.advance(2)
    api.ok("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "string_value": "new"})
    second = api.ok("GET", f"{SECRETS}/list", query={"scope": "team"})["secrets"]
    assert [each["key"] for each in second] == ["k"]
    assert second[0]["last_updated_timestamp"] - first[0]["last_updated_timestamp"] == 2000


@pytest.mark.parametrize("value", [{}, {"string_value": "a", "bytes_value": "YQ=="}])
@pytest.mark.witness("secret-one-value", client="HTTP")
def test_a_secret_needs_exactly_one_value(api: Api, value: object) -> None:
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    answer = api("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", **value})
    assert answer.error == (400, "MALFORMED_REQUEST")


def test_bytes_that_are_no_base64_are_refused(api: Api) -> None:
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    answer = api("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "bytes_value": "***"})
    assert answer.error == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.witness("secret-size", client="HTTP")
def test_a_value_may_hold_128_kilobytes_and_not_a_byte_more(api: Api) -> None:
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    api.ok("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "string_value": "x" * 131072})
    answer = api("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "string_value": "x" * 131073})
    assert answer.error == (400, "RESOURCE_LIMIT_EXCEEDED")


@pytest.mark.witness("secret-limit", client="HTTP")
def test_the_thousand_and_first_secret_is_refused_and_a_rewrite_is_not(workspace: LocalWorkspace, api: Api) -> None:
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    admin = workspace._workspace.identities.get("local-admin@example.com")
    for number in range(1000):
        workspace._workspace.secrets.put("team", f"k{number}", b"v", identity=admin)
    more = api("POST", f"{SECRETS}/put", {"scope": "team", "key": "more", "string_value": "v"})
    assert more.error == (400, "RESOURCE_LIMIT_EXCEEDED")
    api.ok("POST", f"{SECRETS}/put", {"scope": "team", "key": "k7", "string_value": "v"})


@pytest.mark.witness("secret-delete-missing", client="HTTP")
def test_a_deleted_key_is_gone_and_deleting_it_again_is_a_404(api: Api) -> None:
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    api.ok("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "string_value": "v"})
    api.ok("POST", f"{SECRETS}/delete", {"scope": "team", "key": "k"})
    assert api("POST", f"{SECRETS}/delete", {"scope": "team", "key": "k"}).error == (404, "RESOURCE_DOES_NOT_EXIST")
    assert api("GET", f"{SECRETS}/get?scope=team&key=k").error == (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.witness("acl-put-overwrites", client="HTTP")
def test_putting_an_acl_again_replaces_the_level(api: Api) -> None:
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    for level in ("READ", "WRITE"):
        api.ok("POST", f"{SECRETS}/acls/put", {"scope": "team", "principal": "users", "permission": level})
    acl = api.ok("GET", f"{SECRETS}/acls/get", query={"scope": "team", "principal": "users"})
    assert acl == {"principal": "users", "permission": "WRITE"}


@pytest.mark.witness("acl-missing", client="HTTP")
def test_an_acl_that_is_not_there_is_a_404(api: Api) -> None:
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    assert api("GET", f"{SECRETS}/acls/get?scope=team&principal=x").error == (404, "RESOURCE_DOES_NOT_EXIST")
    answer = api("POST", f"{SECRETS}/acls/delete", {"scope": "team", "principal": "x"})
    assert answer.error == (404, "RESOURCE_DOES_NOT_EXIST")


def test_an_unknown_level_is_refused_and_an_unknown_principal_is_not(api: Api) -> None:
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    bad = api("POST", f"{SECRETS}/acls/put", {"scope": "team", "principal": "users", "permission": "OWN"})
    assert bad.error == (400, "INVALID_PARAMETER_VALUE")
    api.ok("POST", f"{SECRETS}/acls/put", {"scope": "team", "principal": "nobody@example.com", "permission": "READ"})


@pytest.mark.witness("acl-unknown-principal", client="HTTP")
def test_unknown_principals_are_refused_where_the_switch_says_so(api_of: Callable[..., Api]) -> None:
    with LocalWorkspace(behaviour=Behaviour(known_principals_only=True)) as strict:
        api = api_of(strict.host, strict.token)
        api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
        acl = {"scope": "team", "principal": "nobody@example.com", "permission": "READ"}
        assert api("POST", f"{SECRETS}/acls/put", acl).error == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("raw", [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_a_400(api: Api, raw: bytes) -> None:
    assert api("POST", f"{SECRETS}/scopes/create", raw=raw).error == (400, "MALFORMED_REQUEST")


@pytest.mark.parametrize("value", [1, None, [], {}, True])
def test_a_field_of_the_wrong_type_is_a_400(api: Api, value: object) -> None:
    answer = api("POST", f"{SECRETS}/scopes/create", {"scope": value})
    assert answer.error == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.witness("acl-principal-case", client="HTTP")
def test_principals_that_differ_in_case_are_the_same_where_the_switch_says_so(api_of: Callable[..., Api]) -> None:
    with LocalWorkspace(behaviour=Behaviour(principal_case="insensitive")) as workspace:
        api = api_of(workspace.host, workspace.token)
        api.ok("POST", "/api/2.0/secrets/scopes/create", {"scope": "s"})
        acl = {"scope": "s", "principal": "Ann@Example.com", "permission": "READ"}
        api.ok("POST", "/api/2.0/secrets/acls/put", acl)
        ann = api_of(workspace.host, workspace.token_for("ann@example.com"))
        assert ann.ok("GET", "/api/2.0/secrets/list", query={"scope": "s"}) == {}
        asked = {"scope": "s", "principal": "ANN@example.com"}
        assert api.ok("GET", "/api/2.0/secrets/acls/get", query=asked)["permission"] == "READ"
        api.ok("POST", "/api/2.0/secrets/acls/delete", asked)
        assert ann("GET", "/api/2.0/secrets/list", query={"scope": "s"}).status == 403


@pytest.mark.witness("scope-users-manage", client="HTTP")
def test_initial_manage_principal_is_ignored_where_the_switch_says_so(api_of: Callable[..., Api]) -> None:
    with LocalWorkspace(behaviour=Behaviour(initial_manage_principal="ignore")) as workspace:
        api = api_of(workspace.host, workspace.token)
        api.ok("POST", "/api/2.0/secrets/scopes/create", {"scope": "s", "initial_manage_principal": "users"})
        items = api.ok("GET", "/api/2.0/secrets/acls/list", query={"scope": "s"})["items"]
        assert items == [{"principal": "local-admin@example.com", "permission": "MANAGE"}]
