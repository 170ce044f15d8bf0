from __future__ import annotations

import pytest

from provisioning.errors import Position
from provisioning.model.address import Address
from provisioning.model.plan import Action, Change, FieldChange, Guard, Plan
from provisioning.reporters.github import outputs, plan_github
from provisioning.reporters.workflow_commands import Annotation, annotated, masks, not_a_command

AT = Position("configs/databricks.yml", 7, 5)


def made(*changes: Change, guards: tuple[Guard, ...] = ()) -> Plan:
    return Plan(
        host="https://w.example.com",
        workspace_id="42",
        target="prod",
        identity="ann@example.com",
        set_name="chat",
        set_id="0123456789ab",
        changes=changes,
        guards=guards,
    )


def change(address: str, action: Action = Action.UPDATE, new: str = "v") -> Change:
    field = FieldChange(path="tags[a]", old="o", new=new, reason="r")
    return Change(address=Address(address), action=action, fields=(field,))


def test_each_object_is_folded_and_pinned_to_its_line() -> None:
    text = plan_github(
        made(change("model_serving_endpoints.chat")), positions={"model_serving_endpoints.chat": AT}
    ).splitlines()

    assert text[0] == "::group::~ model_serving_endpoints.chat  (update)"
    assert text[2] == "::endgroup::"
    assert text[3] == (
        "::notice file=configs/databricks.yml,line=7,col=5,title=update::"
        "model_serving_endpoints.chat: update, 1 field: tags[a]"
    )


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("secret_scopes.llm/secrets.key", "secret_scopes.llm#secrets.key"),
        ("secret_scopes.llm/acls.ann", "secret_scopes.llm"),
        ("model_serving_endpoints.chat/permissions", "model_serving_endpoints.chat#permissions"),
    ],
)
def test_part_is_pinned_to_its_own_line_or_else_to_the_whole(address: str, place: str) -> None:
    assert "line=7" in plan_github(made(change(address)), positions={place: AT})


def test_guard_is_an_error_and_a_deletion_a_warning() -> None:
    guard = Guard(address=Address("secret_scopes.a"), message="no", remedy="do")
    text = plan_github(made(change("secret_scopes.a", Action.DELETE), guards=(guard,)), positions={})

    assert "::error title=blocked::secret_scopes.a: no (do)" in text
    assert "::warning title=delete::" in text


def test_what_a_server_wrote_is_no_command() -> None:
    hostile = "x\n::set-output name=a::b\n##[add-path]/evil"
    text = plan_github(made(change("model_serving_endpoints.chat", new=hostile)), positions={})

    assert not any(line.lstrip().startswith("::set-output") for line in text.splitlines())
    assert "##[" not in text


@pytest.mark.parametrize("line", ["::error::x", "  ::error::x", "a ##[error]x"])
def test_line_that_looks_like_a_command_is_only_shown(line: str) -> None:
    shown = not_a_command(line)

    assert not shown.lstrip().startswith("::")
    assert "##[" not in shown


def test_annotation_is_escaped() -> None:
    at = Position("a,b:c.yml", 1, 2)

    assert annotated([Annotation("error", "t,i:t", "100 %\nnext", at)]) == [
        "::error file=a%2Cb%3Ac.yml,line=1,col=2,title=t%2Ci%3At::100 %25%0Anext"
    ]


def test_ten_annotations_of_a_level_are_shown_and_the_rest_counted() -> None:
    lines = annotated([Annotation("notice", "t", "m")] * 12 + [Annotation("error", "t", "m")])

    assert [line.split(" ")[0].split("::")[1] for line in lines] == ["error"] + ["notice"] * 10
    assert lines[-1] == "::notice::and 3 more, in the step's log"


def test_each_line_of_a_value_is_masked_but_not_what_would_blot_out_the_log() -> None:
    assert masks('{\n  "key": "a%b"\n}\n') == ['::add-mask::"key": "a%25b"']


def test_later_steps_learn_the_counts() -> None:
    plan = made(change("secret_scopes.a", Action.REPLACE), change("secret_scopes.b", Action.CREATE))

    assert outputs([plan]) == {"has_changes": "true", "blocked": "false", "add": "1", "change": "1", "destroy": "1"}
