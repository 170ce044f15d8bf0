from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.errors import Diagnostic
from provisioning.model.address import Address
from provisioning.model.plan import Action, Change, FieldChange, Guard, Plan
from provisioning.reporters.markdown import LONGEST_COMMENT, marker, plan_markdown


def made(*changes: Change, **fields: object) -> Plan:
    base: dict[str, object] = {
        "host": "https://w.example.com",
        "workspace_id": "42",
        "target": "prod",
        "identity": "ann@example.com",
        "set_name": "chat",
        "set_id": "0123456789ab",
    }
    return Plan.model_validate(base | {"changes": changes} | fields)


def change(name: str, *values: str) -> Change:
    return Change(
        address=Address(f"model_serving_endpoints.{name}"),
        action=Action.UPDATE,
        fields=tuple(FieldChange(path=f"tags[{n}]", old="a", new=each, reason="r") for n, each in enumerate(values)),
    )


def test_first_line_is_a_hidden_marker_of_set_and_target() -> None:
    text = plan_markdown(made())

    assert text.splitlines()[0] == marker(made()) == "<!-- gatewright plan: set 0123456789ab, target prod -->"


def test_marker_does_not_end_early_whatever_the_target_is_called() -> None:
    line = marker(made(target="a-->b"))

    assert line.count("-->") == 1
    assert line.endswith("-->")


def test_marker_tells_targets_apart() -> None:
    assert marker(made(target="dev")) != marker(made(target="prod"))


@given(st.text(alphabet="`~ab\n", max_size=80))
def test_nothing_in_a_value_closes_the_fence(value: str) -> None:
    text = plan_markdown(made(change("chat", value)))

    fence = re.search(r"^(`{3,})text$", text, re.MULTILINE)
    assert fence is not None
    assert text.splitlines().count(fence[1]) == 1


@pytest.mark.parametrize("values", [(), ("v",)])
def test_markup_in_a_name_is_shown_and_not_read(values: tuple[str, ...]) -> None:
    text = plan_markdown(made(change("x</summary><img src=y>", *values), set_name="[click](http://evil) @everyone"))

    assert re.search(r"(?<!\\)<img", text) is None
    assert "[click](" not in text
    assert "@everyone" not in text


def test_whole_objects_are_left_out_at_the_end_and_counted() -> None:
    changes = [change(f"e{n}", "v" * 100) for n in range(1000)]

    text = plan_markdown(made(*changes))

    assert len(text) <= LONGEST_COMMENT
    shown = text.count("<details>")
    assert shown == text.count("</details>")
    assert f"{1000 - shown} more objects" in text


def test_object_with_many_fields_does_not_keep_the_others_out() -> None:
    text = plan_markdown(made(change("big", *("v" * 100 for _ in range(2000))), change("small", "v")))

    assert len(text) <= LONGEST_COMMENT
    assert "model_serving_endpoints.small" in text
    assert re.search(r"… and \d+ more", text)


def test_what_blocks_is_said_above_all_changes() -> None:
    guard = Guard(address=Address("model_serving_endpoints.chat"), message="it is foreign", remedy="rename it")

    text = plan_markdown(made(change("chat", "v"), guards=(guard,)))

    assert text.index("it is foreign") < text.index("<details>")


def test_what_the_workspace_showed_to_be_wrong_is_in_the_comment() -> None:
    found = Diagnostic("P602", "no-such-secret", "there is no key 'x'")

    text = plan_markdown(made(diagnostics=(found,)))

    assert "error P602: there is no key 'x'" in text


def test_even_many_guards_and_notes_fit() -> None:
    guards = tuple(Guard(address=Address(f"a.{n}"), message="m" * 200, remedy="r") for n in range(1000))

    text = plan_markdown(made(change("chat", "v"), guards=guards, notes=("n" * 500,) * 1000))

    assert len(text) <= LONGEST_COMMENT
