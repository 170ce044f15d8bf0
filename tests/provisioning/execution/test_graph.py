from __future__ import annotations

from provisioning.execution.graph import Group, groups_of
from provisioning.model.address import (
    Address,
    acl_address,
    endpoint_address,
    permissions_address,
    scope_address,
    secret_address,
)
from provisioning.model.plan import Action, Change, Operation, Plan, Step

SCOPE, ENDPOINT = scope_address("llm"), endpoint_address("chat")


def change(
    address: Address, *operations: Operation, after: tuple[Address, ...] = (), action: Action = Action.CREATE
) -> Change:
    steps = tuple(Step(operation=each, name="x") for each in operations)
    return Change(address=address, action=action, steps=steps, after=after)


def plan(*changes: Change, not_ready: tuple[str, ...] = ()) -> Plan:
    return Plan(
        host="h",
        workspace_id="1",
        target="t",
        identity="i",
        set_name="s",
        set_id="0",
        changes=changes,
        not_ready=not_ready,
    )


def operations(group: Group) -> list[Operation]:
    return [step.operation for _, step in group.steps]


def test_scope_is_marked_before_it_is_filled_and_recorded_last() -> None:
    [group] = groups_of(
        plan(
            change(SCOPE, Operation.CREATE_SCOPE, Operation.PUT_MARKER),
            change(secret_address("llm", "k"), Operation.PUT_SECRET, Operation.RECORD_SECRETS),
            change(acl_address("llm", "users"), Operation.DELETE_ACL),
            change(acl_address("llm", "admins"), Operation.PUT_ACL),
        )
    )

    assert operations(group) == [
        Operation.CREATE_SCOPE,
        Operation.PUT_MARKER,
        Operation.PUT_SECRET,
        Operation.PUT_ACL,
        Operation.DELETE_ACL,
        Operation.RECORD_SECRETS,
    ]


def test_permissions_come_before_the_wait_and_the_hash_after_it() -> None:
    [group] = groups_of(
        plan(
            change(ENDPOINT, Operation.UPDATE_CONFIG, Operation.WAIT_READY, Operation.UPDATE_TAGS),
            change(permissions_address("chat"), Operation.UPDATE_PERMISSIONS),
        )
    )

    assert operations(group) == [
        Operation.UPDATE_CONFIG,
        Operation.UPDATE_PERMISSIONS,
        Operation.WAIT_READY,
        Operation.UPDATE_TAGS,
    ]


def test_endpoint_waits_for_the_scopes_that_it_refers_to_in_whichever_case() -> None:
    scope, endpoint = groups_of(
        plan(
            change(SCOPE, Operation.CREATE_SCOPE),
            change(ENDPOINT, Operation.CREATE_ENDPOINT, after=(scope_address("LLM"), scope_address("elsewhere"))),
        )
    )

    assert scope.after == frozenset()
    assert endpoint.after == {SCOPE}


def test_endpoint_that_is_as_declared_but_not_ready_is_waited_for() -> None:
    [group] = groups_of(plan(not_ready=("chat",)))

    assert group.address == ENDPOINT
    assert operations(group) == [Operation.WAIT_READY]


def test_revoked_right_does_not_hold_its_scope_back() -> None:
    scope, endpoint = groups_of(
        plan(
            change(acl_address("llm", "users"), Operation.DELETE_ACL, action=Action.DELETE),
            change(ENDPOINT, Operation.UPDATE_CONFIG, after=(SCOPE,)),
        )
    )

    assert (scope.after, scope.behind) == (frozenset(), frozenset())
    assert endpoint.after == {SCOPE}


def test_key_is_deleted_once_every_endpoint_is_re_pointed() -> None:
    key = secret_address("llm", "old")
    groups = groups_of(
        plan(
            change(secret_address("llm", "new"), Operation.PUT_SECRET),
            change(key, Operation.DELETE_SECRET, action=Action.DELETE),
            change(ENDPOINT, Operation.UPDATE_CONFIG, after=(SCOPE,)),
        )
    )

    [deletion] = [each for each in groups if each.address == key]
    assert deletion.after == {SCOPE, ENDPOINT}


def test_what_goes_waits_for_what_comes_whether_that_ends_well_or_not() -> None:
    old = endpoint_address("old")
    groups = groups_of(
        plan(
            change(old, Operation.DELETE_ENDPOINT, action=Action.DELETE),
            change(ENDPOINT, Operation.CREATE_ENDPOINT),
        )
    )

    [deletion] = [each for each in groups if each.address == old]
    assert (deletion.after, deletion.behind) == (frozenset(), {ENDPOINT})
