from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.permissions import EndpointPermission, ScopePermission
from provisioning.planning.grants import (
    ENDPOINT_LEVELS,
    SCOPE_LEVELS,
    compare,
    declared_grants,
    granted_directly,
    identity,
)

if TYPE_CHECKING:
    from pydantic import JsonValue


def entry(name: str, *levels: str, inherited: bool = False) -> dict[str, JsonValue]:
    return {
        "group_name": name,
        "all_permissions": [{"permission_level": level, "inherited": inherited} for level in levels],
    }


def test_who_is_listed_twice_gets_the_higher_level() -> None:
    listed = [ScopePermission(group_name="g", level="MANAGE"), ScopePermission(group_name="g", level="READ")]

    assert [level for _, level in declared_grants(listed, SCOPE_LEVELS).values()] == ["MANAGE"]


def test_inherited_grants_are_not_direct_ones() -> None:
    acl = [entry("admins", "CAN_MANAGE", inherited=True), entry("users", "CAN_QUERY")]

    assert [each.name for each, _ in granted_directly(acl).values()] == ["users"]
    assert [each.name for each, _ in granted_directly(acl, inherited=True).values()] == ["admins"]


def test_e_mail_addresses_are_compared_without_case() -> None:
    declared = declared_grants([EndpointPermission(user_name="Ann@Example.com", level="CAN_QUERY")], ENDPOINT_LEVELS)
    live = {identity("ann@example.com").key: (identity("ann@example.com"), "CAN_QUERY")}

    assert compare(declared, live, ENDPOINT_LEVELS) == ()


def test_service_principal_is_known_by_its_application_id() -> None:
    assert identity("0d6d1b5c-1d2f-4b0e-9a3c-5f6e7d8c9b0a").field == "service_principal_name"
    assert identity("ann@example.com").field == "user_name"


def test_only_what_allows_more_is_wider() -> None:
    live = declared_grants(
        [EndpointPermission(group_name="a", level="CAN_QUERY"), EndpointPermission(group_name="b", level="CAN_MANAGE")],
        ENDPOINT_LEVELS,
    )
    wanted = declared_grants(
        [EndpointPermission(group_name="a", level="CAN_MANAGE"), EndpointPermission(group_name="b", level="CAN_VIEW")],
        ENDPOINT_LEVELS,
    )

    assert {each.grantee.name: each.wider for each in compare(wanted, live, ENDPOINT_LEVELS)} == {"a": True, "b": False}
