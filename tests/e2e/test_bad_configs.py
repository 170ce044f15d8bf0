"""What is wrong with a config is said at its very place, with a remedy, all at once, and nothing is written.

In each text `»` stands before the place that a diagnostic has to point at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from provisioning.cli import run

if TYPE_CHECKING:
    from pathlib import Path

    from local_workspace.local import LocalWorkspace

ENDPOINT = """\
bundle: {name: bad}
resources:
  secret_scopes:
    llm:
      name: llm
      secrets: {key: {env: BAD_CONFIGS_KEY}}
      permissions: [{level: READ, user_name: ann@example.com}]
  model_serving_endpoints:
    chat:
      name: chat
      config:
        served_entities:
          - name: large
            external_model:
              provider: openai
              name: gpt-4o
              task: llm/v1/chat
              openai_config: {openai_api_key: "{{secrets/llm/key}}"}
        traffic_config: {routes: [{served_entity_name: large, traffic_percentage: 100}]}
      ai_gateway:
        rate_limits: [{key: user, calls: 60, renewal_period: minute}]
      permissions: [{level: CAN_QUERY, group_name: users}]
"""

AGAIN = """\
          - name: »large
            external_model:
              {provider: openai, name: m, task: llm/v1/chat, openai_config: {openai_api_key: "{{secrets/llm/key}}"}}
"""

OLDER = """\
        »served_models: [{model_name: m, model_version: 1, scale_to_zero_enabled: true}]
"""

EDITS = {
    "no provider": ("external_model:\n              provider: openai", "»external_model:", "P202"),
    "no task": (
        "external_model:\n              provider: openai\n              name: gpt-4o\n              task: llm/v1/chat",
        "»external_model:\n              provider: openai\n              name: gpt-4o",
        "P202",
    ),
    "older provider": ("provider: openai", "provider: »aws-bedrock", "P204"),
    "provider in capitals": ("provider: openai", "provider: »OpenAI", "P204"),
    "older block": ("openai_config:", "»aws_bedrock_config:", "P201"),
    "another provider's block": ("openai_config: {openai_api_key", "»anthropic_config: {anthropic_api_key", "P211"),
    "key itself in place of a reference": ('"{{secrets/llm/key}}"', "»sk-0123456789abcdef", "P212"),
    "reference in one brace": ('"{{secrets/llm/key}}"', '»"{secrets/llm/key}"', "P212"),
    "reference without a key": ('"{{secrets/llm/key}}"', '»"{{secrets/llm}}"', "P212"),
    "reference to no such key": ('"{{secrets/llm/key}}"', '»"{{secrets/llm/kye}}"', "P502"),
    "reference in another case": ('"{{secrets/llm/key}}"', '»"{{secrets/llm/Key}}"', "P503"),
    "scope in another case": ('"{{secrets/llm/key}}"', '»"{{secrets/LLM/key}}"', "P503"),
    "both key and plaintext": ('key}}"}', 'key}}", openai_api_key_plaintext: »sk-1}', "P206"),
    "neither key nor plaintext": (
        'openai_config: {openai_api_key: "{{secrets/llm/key}}"}',
        "»openai_config: {}",
        "P206",
    ),
    "azure without its settings": ("openai_config: {", "»openai_config: {openai_api_type: azure, ", "P202"),
    "address without a scheme": ('key}}"}', 'key}}", openai_api_base: »llm.example.com/v1}', "P214"),
    "address with a password": ('key}}"}', 'key}}", openai_api_base: »"https://a:b@llm.example.com"}', "P214"),
    "traffic of 90": (
        "{routes: [{served_entity_name: large, traffic_percentage: 100}]}",
        "{»routes: [{served_entity_name: large, traffic_percentage: 90}]}",
        "P210",
    ),
    "traffic to nobody": ("served_entity_name: large", "served_entity_name: »lagre", "P210"),
    "traffic as a fraction": ("traffic_percentage: 100", "traffic_percentage: »99.5", "P203"),
    "level of another kind": ("level: CAN_QUERY", "level: »READ", "P204"),
    "level of an endpoint on a scope": ("level: READ", "level: »CAN_READ", "P204"),
    "nobody to grant to": ("[{level: CAN_QUERY, group_name: users}]", "[»{level: CAN_QUERY}]", "P206"),
    "two to grant to": (
        "{level: CAN_QUERY, group_name: users}",
        "»{level: CAN_QUERY, group_name: users, user_name: a@example.com}",
        "P206",
    ),
    "misspelt field": ("ai_gateway:", "»ai_gatway:", "P201"),
    "misspelt field far in": ("renewal_period:", "»renewal_perod:", "P201"),
    "field of a sibling": ("name: large", "»provider: openai\n            name: large", "P201"),
    "calls and tokens": ("calls: 60,", "calls: 60, tokens: »5,", "P206"),
    "negative calls": ("calls: 60", "calls: »-1", "P204"),
    "another period": ("renewal_period: minute", "renewal_period: »hour", "P204"),
    "a list where a mapping is wanted": (
        "ai_gateway:\n        rate_limits:",
        "»ai_gateway:\n        - rate_limits:",
        "P203",
    ),
    "a mapping where a list is wanted": (
        "permissions: [{level: CAN_QUERY, group_name: users}]",
        "»permissions: {level: CAN_QUERY, group_name: users}",
        "P203",
    ),
    "text where a number is wanted": ("calls: 60", "calls: »sixty", "P203"),
    "duplicate key": ("name: gpt-4o\n", "name: gpt-4o\n              »name: gpt-4o-mini\n", "P102"),
    "tab": ("      ai_gateway:", "»\tai_gateway:", "P101"),
    "unclosed bracket": ("group_name: users}]", "group_name: users}", "P101"),
    "name with a space": ("name: chat\n", "name: »my chat\n", "P207"),
    "name too long": ("name: chat\n", f"name: »{'c' * 64}\n", "P207"),
    "tag twice": ("      ai_gateway:", "      tags: [{key: a}, {key: »a}]\n      ai_gateway:", "P208"),
    "entity twice": ("        traffic_config:", f"{AGAIN}        traffic_config:", "P208"),
    "no name": ("    chat:\n      name: chat\n", "    »chat:\n", "P202"),
    "secret's value in place of its source": ("{env: BAD_CONFIGS_KEY}", "»correct-horse-battery", "P213"),
    "two sources": ("key: {env: BAD_CONFIGS_KEY}", "»key: {env: BAD_CONFIGS_KEY, file: a}", "P213"),
    "misspelt source": ("key: {env: BAD_CONFIGS_KEY}", "»key: {evn: BAD_CONFIGS_KEY}", "P213"),
    "variable that is not declared": ("name: gpt-4o", "name: »${var.model}", "P301"),
    "reference to no resource": ("name: gpt-4o", "name: »${resources.secret_scopes.lm.name}", "P301"),
    "reference that is not closed": ("name: gpt-4o", "name: »${var.model", "P302"),
    "custom fields on an external model": ("name: large", "name: large\n            workload_size: »Small", "P205"),
    "several targets and no default": ("resources:", "targets: {a: {}, b: {}}\nresources:", "P402"),
    "older lists together": ("        traffic_config:", f"{OLDER}        traffic_config:", "P205"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, databricks_env: LocalWorkspace) -> Path:
    del databricks_env
    monkeypatch.chdir(tmp_path)
    return tmp_path


def applied(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Apply a config that is wrong; return what is said of it."""
    (folder / "databricks.yml").write_text(text)
    capsys.readouterr()
    code = run(["apply", "databricks.yml", "--yes"])
    out, err = capsys.readouterr()
    assert (code, out) == (1, ""), err
    assert "Traceback" not in err
    return err


def marked(text: str) -> tuple[str, str]:
    """Take the mark out of a text, and return where it stood, as `line:column`."""
    before, mark, after = text.partition("»")
    return before + after, f"{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}" if mark else ""


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_mistake_is_shown_at_its_place_with_a_remedy_and_nothing_is_written(
    folder: Path, local_workspace: LocalWorkspace, capsys: pytest.CaptureFixture[str], edit: tuple[str, str, str]
) -> None:
    old, new, code = edit
    assert old in ENDPOINT
    text, place = marked(ENDPOINT.replace(old, new, 1))

    said = applied(folder, text, capsys)

    assert re.search(rf"^databricks\.yml:{place}\S*: error {code} .*(\n .*)*\n  help: \S", said, re.MULTILINE), said
    assert "correct-horse" not in said
    assert "sk-0123456789abcdef" not in said
    assert list(local_workspace.requests) == []
