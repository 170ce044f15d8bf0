from __future__ import annotations

from typing import Any

from provisioning.model.address import Address, endpoint_address
from provisioning.model.events import EndpointPolled
from provisioning.model.plan import Action, Change, FieldChange, Guard, Plan
from provisioning.reporters.progress import HEARTBEAT, Progress
from provisioning.reporters.text import plan_text

ADDRESS = endpoint_address("chat")


def plan(**parts: Any) -> Plan:  # noqa: ANN401 - fields of Plan
    return Plan(host="https://a", workspace_id="1", target="prod", identity="ann", set_name="chat", set_id="s", **parts)


def test_plan_opens_with_host_workspace_target_and_identity() -> None:
    assert plan_text(plan()).splitlines()[:2] == ["chat → target prod", "  https://a (workspace 1) as ann, set s"]


def test_field_shows_old_new_and_reason() -> None:
    field = FieldChange(path="config.x", old=1, new=2, reason="because")
    change = Change(address=ADDRESS, action=Action.UPDATE, fields=(field,))

    assert plan_text(plan(changes=(change,), unchanged=(Address("secret_scopes.a"),))).splitlines()[3:] == [
        "~ model_serving_endpoints.chat  (update)",
        "    config.x: 1 → 2  (because)",
        "",
        "1 to update; 1 unchanged.",
    ]


def test_item_that_comes_or_goes_is_shown_part_by_part() -> None:
    model = {"name": "b", "external_model": {"provider": "openai", "name": "gpt-4o"}}
    fields = (
        FieldChange(path="config.served_entities[b]", new=model, reason="in the config, not in the workspace"),
        FieldChange(path="config.served_entities[c]", old={"name": "c"}, reason="in the workspace, not in the config"),
    )
    change = Change(address=ADDRESS, action=Action.UPDATE, fields=fields)

    assert plan_text(plan(changes=(change,))).splitlines()[4:-2] == [
        "    config.served_entities[b]: added",
        "      name: b",
        "      external_model.provider: openai",
        "      external_model.name: gpt-4o",
        "    config.served_entities[c]: removed  (in the workspace, not in the config)",
        "      name: c",
    ]


def test_guard_shows_what_lets_it_pass() -> None:
    shown = plan_text(plan(guards=(Guard(address=ADDRESS, message="it is not ours", remedy="--adopt"),)))

    assert "  model_serving_endpoints.chat: it is not ours\n    --adopt" in shown


def test_value_that_a_server_wrote_is_inert() -> None:
    field = FieldChange(path="tags[\x1b[2J]", old="\u202e", new="\x07", reason="r")
    shown = plan_text(plan(changes=(Change(address=ADDRESS, action=Action.UPDATE, fields=(field,)),)))

    assert not {"\x1b", "\u202e", "\x07"} & set(shown)


def test_same_state_is_told_again_only_as_a_heartbeat() -> None:
    lines = Progress()

    def polled(elapsed: float, state: str = "IN_PROGRESS") -> str | None:
        return lines.line(EndpointPolled(address=ADDRESS, state=state, elapsed=elapsed))

    assert polled(0.5)
    assert polled(1.0) is None
    assert polled(1.5, state="READY soon")
    assert polled(2.0, state="READY soon") is None
    assert polled(2.0 + HEARTBEAT, state="READY soon")
