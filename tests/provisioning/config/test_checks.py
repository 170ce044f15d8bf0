from __future__ import annotations

from collections.abc import Callable

import pytest

from provisioning.errors import Diagnostic

Find = Callable[..., tuple[Diagnostic, ...]]

CONFIG = """
resources:
  secret_scopes:
    s: {name: Keys, secrets: {Open-Key: {env: X}}, permissions: [%(grant)s]}
    t: {name: unmanaged}
  model_serving_endpoints:
    e:
      name: chat
      permissions: [{level: CAN_QUERY, group_name: devs}, {level: CAN_VIEW, group_name: viewers}]
      config:
        served_entities:
          - external_model:
              provider: anthropic
              name: claude
              task: llm/v1/chat
              anthropic_config: {anthropic_api_key%(field)s: "%(value)s"}
"""


def config(value: str = "{{secrets/Keys/Open-Key}}", *, grant: str = "", field: str = "") -> str:
    return CONFIG % {"value": value, "grant": grant, "field": field}


@pytest.mark.parametrize(
    ("reference", "code", "severity", "remedy"),
    [
        ("{{secrets/Keys/Opn-Key}}", "P502", "error", "did you mean 'Open-Key'?"),
        ("{{secrets/Keys/other}}", "P502", "error", None),
        ("{{secrets/Keys/open-key}}", "P503", "error", "write 'Open-Key'"),
        ("{{secrets/keys/Open-Key}}", "P503", "error", "write 'Keys'"),
        ("{{secrets/Keyz/Open-Key}}", "P501", "note", "did you mean 'Keys'?"),
        ("{{secrets/elsewhere/k}}", "P501", "note", None),
    ],
)
def test_a_reference_to_a_secret_is_checked_against_the_configs(
    found: Find, reference: str, code: str, severity: str, remedy: str | None
) -> None:
    [problem] = found(config(reference))
    assert (problem.code, problem.severity) == (code, severity)
    assert problem.position is not None
    if remedy is not None:
        assert problem.remedy == remedy


@pytest.mark.parametrize("reference", ["{{secrets/Keys/Open-Key}}", "{{secrets/unmanaged/anything}}"])
def test_a_reference_that_can_be_right_is_not_reported(found: Find, reference: str) -> None:
    assert found(config(reference)) == ()


def test_secrets_in_environment_variables_are_checked_too(found: Find) -> None:
    text = """
    resources:
      secret_scopes: {s: {name: keys, secrets: {a: {env: X}}}}
      model_serving_endpoints:
        e:
          name: custom
          config:
            served_entities:
              - entity_name: c.s.m
                entity_version: "1"
                scale_to_zero_enabled: true
                environment_vars: {T: "{{secrets/keys/b}}"}
    """
    assert [each.code for each in found(text)] == ["P502"]


@pytest.mark.parametrize(
    ("grant", "codes"),
    [
        ("{level: READ, group_name: devs}", ["P505"]),
        ("{level: WRITE, group_name: devs}", ["P505"]),
        ("{level: READ, group_name: users}", ["P505"]),
        ("{level: MANAGE, group_name: admins}", []),
        ("{level: READ, group_name: auditors}", []),
        ("{level: READ, group_name: viewers}", []),
        ("{level: MANAGE, group_name: a}, {level: READ, group_name: a}", ["P506"]),
    ],
)
def test_who_may_call_should_not_read_the_key(found: Find, grant: str, codes: list[str]) -> None:
    assert [each.code for each in found(config(grant=grant))] == codes


def test_a_credential_in_the_clear_is_a_warning_that_does_not_show_it(found: Find) -> None:
    [warning] = found(config("hunter2hunter2", field="_plaintext"))
    assert (warning.code, warning.severity) == ("P215", "warning")
    assert "hunter2" not in repr(warning)


def test_live_names_are_unique_and_scopes_without_case(found: Find) -> None:
    scopes = "resources: {secret_scopes: {a: {name: Keys}, b: {name: keys}}}"
    endpoints = "resources: {model_serving_endpoints: {a: {name: chat}, b: {name: chat}, c: {name: Chat}}}"
    assert [each.code for each in found(scopes)] == ["P504"]
    assert [each.code for each in found(endpoints)] == ["P504"]


def test_names_that_lead_nowhere_are_not_compared(found: Find) -> None:
    endpoints = "{a: {name: '${var.x}'}, b: {name: '${var.x}'}}"
    assert {each.code for each in found(f"resources: {{model_serving_endpoints: {endpoints}}}")} == {"P301"}


def test_only_one_secret_comes_from_the_standard_input(found: Find) -> None:
    text = "resources: {secret_scopes: {a: {name: a, secrets: {x: {stdin: true}, y: {stdin: true}}}}}"
    assert [each.code for each in found(text)] == ["P205"]
