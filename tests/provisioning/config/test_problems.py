from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest

from provisioning.config.codes import CODES
from provisioning.config.masking import MASK, masked
from provisioning.errors import Diagnostic

Find = Callable[..., tuple[Diagnostic, ...]]

ENDPOINT = """
resources:
  model_serving_endpoints:
    chat:
      name: chat
      config:
        served_entities:
          - name: a
            external_model:
              provider: openai
              name: gpt-4o
              task: llm/v1/chat
              openai_config: {openai_api_key: "{{secrets/s/k}}"}
"""


def test_every_code_is_named_and_explained() -> None:
    titles = [code.title for code in CODES.values()]
    assert len(set(titles)) == len(titles)
    assert all(code.meaning.endswith(".") for code in CODES.values())


def test_three_mistakes_are_three_diagnostics_each_with_its_place(found: Find) -> None:
    text = (
        ENDPOINT.replace("task:", "tsak:")
        .replace("provider: openai", "provider: opneai")
        .replace("name: chat", "name: my chat")
    )
    errors = [each for each in found(text) if each.severity == "error"]
    places = {(each.code, each.position.line if each.position else 0) for each in errors}
    assert {("P207", 5), ("P204", 10), ("P201", 12)} <= places
    assert all(each.position is not None and each.snippet for each in errors)


@pytest.mark.parametrize(
    ("old", "new", "code", "remedy"),
    [
        ("task: llm/v1/chat", "", "P202", "add `task`"),
        ("provider: openai", "", "P202", "add `provider`"),
        ("task:", "tasks:", "P201", "did you mean `task`?"),
        ("provider: openai", "provider: aws-bedrock", "P204", "did you mean amazon-bedrock?"),
        ("llm/v1/chat", "llm/v1/chats", "P204", "did you mean llm/v1/chat?"),
        ("openai_config", "aws_bedrock_config", "P201", "did you mean `amazon_bedrock_config`?"),
        ("openai_config", "anthropic_config", "P211", None),
        ('"{{secrets/s/k}}"', "sk-0123456789", "P212", None),
        ('"{{secrets/s/k}}"', '"{{secrets/s}}"', "P212", None),
        ('"}', '", openai_api_key_plaintext: x}', "P206", None),
        ('"}', '", openai_api_type: azure}', "P202", None),
        ('"}', '", openai_api_base: api.example.com}', "P214", None),
        ('"}', '", openai_api_base: "https://user:pass@api.example.com"}', "P214", None),
        ("name: a", "name: [a]", "P203", None),
        ("name: chat", "name: chat\n      tags: [{key: a}, {key: a}]", "P208", None),
        (
            "name: chat",
            "name: chat\n      permissions: [{level: CAN_USE, group_name: a}]",
            "P204",
            "did you mean CAN_QUERY?",
        ),
        ("name: chat", "name: chat\n      permissions: [{level: CAN_QUERY}]", "P206", None),
        ("name: chat", "name: chat\n      route_optimized: 3", "P203", None),
    ],
)
def test_a_mistake_has_its_code_and_remedy(found: Find, old: str, new: str, code: str, remedy: str | None) -> None:
    assert old in ENDPOINT
    matching = [each for each in found(ENDPOINT.replace(old, new, 1)) if each.code == code]
    assert matching
    assert matching[0].position is not None
    if remedy is not None:
        assert remedy in {each.remedy for each in matching}


def test_one_misspelling_is_one_diagnostic(found: Find) -> None:
    errors = [each for each in found(ENDPOINT.replace("openai_api_key", "openai_api_kye")) if each.severity == "error"]
    assert [each.code for each in errors] == ["P201"]


def test_numbers_where_text_is_wanted_are_taken_as_written(loaded: Callable[..., object], found: Find) -> None:
    text = ENDPOINT.replace("name: gpt-4o", "name: 4.10")
    desired = loaded(text)
    assert "name='4.10'" in repr(desired)
    assert [each.code for each in found(text) if each.severity == "note" and each.code == "P216"] == ["P216"]


def test_a_caret_stands_below_its_place(found: Find) -> None:
    [error] = [each for each in found(ENDPOINT.replace("task:", "tsak:")) if each.code == "P201"]
    assert error.snippet is not None
    assert marked(error) == "tsak"


@pytest.mark.parametrize(
    "before",
    [
        f"k: [{'a, ' * 60}], ",
        "openai_api_key: hunter2hunter2, ",
        "k: '\u202e\u202e', ",
        "🚀: 1, ",
        f"k: [{'a, ' * 1000}], ",
    ],
    ids=["long line", "masked", "invisible", "emoji", "very long line"],
)
def test_a_caret_stands_below_its_place_whatever_the_line_holds(found: Find, before: str) -> None:
    text = f"resources: {{secret_scopes: {{s: {{name: s, lifecycle: {{{before} prevent_destroi: true}}}}}}}}\n"
    [error] = [each for each in found(text) if "prevent_destroi" in each.message]
    assert marked(error) == ("********" if "hunter2" in before else "prevent_destroi")[: error.length]
    assert len(error.snippet or "") <= 161
    assert "hunter2" not in repr(error)


def marked(diagnostic: Diagnostic) -> str:
    assert diagnostic.snippet is not None
    return diagnostic.snippet[diagnostic.caret :][: diagnostic.length]


@pytest.mark.parametrize(
    "text",
    [
        'openai_api_key: "hunter2hunter2"',
        "openai_api_key_plaintext: hunter2hunter2",
        "- {x: 1, aws_secret_access_key_plaintext: hunter2hunter2}",
        "private_key: -----BEGIN PRIVATE KEY----- hunter2hunter2",
        "password:   'hunter2hunter2'",
        "text with sk-hunter2hunter2 in it",
        "dapi0123456789abcdefhunter2hunter2"[:20],
        "- AKIAHUNTER2HUNTER2X",
        "base: https://someone:hunter2hunter2@example.com/v1",
        "OPENAI_API_KEY=hunter2hunter2",
        "x-api-key: hunter2hunter2",
        "client_secret_pla%}intext: hunter2hunter2",
        "export DB_PASSWORD = 'hunter2hunter2'",
        "name: 0123456789abcdefhunter2hunter2hu",
        "x: wJalrXUtnFEMI/K7MDENG/bPxRfiCYHUNTER2KEY",
        "eyJhbGciOi.eyJodW50ZXIy.hunter2hunter2",
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str) -> None:
    shown = masked(text)
    assert MASK in shown
    assert "hunter2" not in shown.lower()


@pytest.mark.parametrize(
    "text",
    [
        'openai_api_key: "{{secrets/scope/openai-api-key}}"',
        "openai_api_key: ${var.reference}",
        "openai-api-key: {env: OPENAI_API_KEY}",
        "secrets:",
        "set OPENAI_API_KEY=...",
        "`openai_api_key`: a reference is needed",
        "the secret 'openai-api-key' cannot be written: it is read-only",
        "model: databricks-meta-llama-3-3-70b-instruct",
        "name: gpt-4o-mini-2024-07-18",
        "on_update_failure: [someone@example.com]",
        "resource_id: /subscriptions/0a1b2c3d-0000-4444-8888-0123456789ab/resourceGroups",
    ],
)
def test_what_is_no_credential_is_shown(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "resources: {secret_scopes: {s: {name: s, secrets: {k: hunter2hunter2}}}}",
        "resources: {secret_scopes: {s: {name: s, secrets: {k: {value: hunter2hunter2}}}}}",
        "resources: {secret_scopes: {s: {name: s, secrets: {k: [hunter2hunter2]}}}}",
        "resources: {secret_scopes: {s: {name: s, secrets: hunter2hunter2}}}",
        ENDPOINT.replace('"{{secrets/s/k}}"', "hunter2hunter2"),
        ENDPOINT.replace('openai_api_key: "{{secrets/s/k}}"', "openai_api_key_plaintext: [hunter2hunter2]"),
        ENDPOINT.replace('openai_api_key: "{{secrets/s/k}}"', "openai_api_key_plaintext: hunter2hunter2, x: 1"),
        ENDPOINT.replace('openai_api_key: "{{secrets/s/k}}"', "openai_api_key_plaintext: 1hunter2, x: 1"),
        ENDPOINT.replace('openai_api_key: "{{secrets/s/k}}"', "openai_api_base: 'https://a:hunter2hunter2@x'"),
    ],
)
def test_a_value_in_the_wrong_place_is_never_repeated(found: Find, text: str) -> None:
    report = repr(found(text))
    assert "hunter2" not in report
    assert "'error'" in report


def test_text_that_acts_on_a_terminal_is_made_visible(found: Find) -> None:
    [error] = [
        each for each in found("resources: {secret_scopes: {s: {name: s, \u202ebad: 1}}}") if each.code == "P201"
    ]
    assert "\u202e" not in f"{error.message}{error.snippet}"


def test_no_more_than_can_be_read_is_reported(found: Find) -> None:
    text = "resources: {secret_scopes: {s: {name: s, " + ", ".join(f"x{i}: 1" for i in range(500)) + "}}}"
    assert len(found(text)) == 200


def test_many_remarks_do_not_hide_an_error(found: Find) -> None:
    tags = ", ".join(f"{{key: k{i}, value: {i}}}" for i in range(300))
    codes = [each.code for each in found(f"resources: {{model_serving_endpoints: {{e: {{tags: [{tags}]}}}}}}")]
    assert codes.count("P216") == 200
    assert "P202" in codes


def test_a_number_given_as_a_credential_is_not_shown(found: Find) -> None:
    text = ENDPOINT.replace('openai_api_key: "{{secrets/s/k}}"', "openai_api_key_plaintext: 4711471147114711")
    report = found(text)
    assert {each.code for each in report} == {"P215", "P216"}
    assert "4711" not in repr(report)


@pytest.mark.parametrize("seven", ["variable", "environment"])
def test_a_value_from_outside_is_not_repeated(found: Find, seven: str) -> None:
    text = "variables: {t: {}}\n" + dedent(ENDPOINT.replace("llm/v1/chat", "${var.t}"))
    value = "correct horse battery staple"
    given = {"variables": {"t": value}} if seven == "variable" else {"environ": {"BUNDLE_VAR_t": value}}
    report = found(text, **given)
    assert "P204" in {each.code for each in report}
    assert "horse" not in repr(report)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("openai_api_key_plaintext: hunter2", "openai_api_key_plaintext: ********"),
        ("openai_api_key_plaintext: >-\n                  hunter2", "openai_api_key_plaintext: ********"),
        ("openai_api_key: hunter2", "openai_api_key: ********"),
    ],
)
def test_the_field_of_a_credential_is_shown_and_its_value_is_not(found: Find, line: str, shown: str) -> None:
    text = ENDPOINT.replace('{openai_api_key: "{{secrets/s/k}}"}', f"\n                {line}")
    [problem] = found(text)
    assert problem.snippet is not None
    assert problem.snippet.strip() == shown


@pytest.mark.parametrize(
    ("scope", "message"),
    [
        ("secrets: {k: {external: false}}", "`secrets.k.external` must be true, and is false"),
        ("secrets: {k: {command: []}}", "`secrets.k.command` must be longer than nothing"),
        (f"secrets: {{k: {{env: A, version: {'9' * 5000}}}}}", "`secrets.k.version` must be a smaller number"),
        ("secrets: {k: {env: A, version: 1.5}}", "`secrets.k.version` must be a whole number, and is a fraction"),
        ("backend_type: azure", "`backend_type` must be 'DATABRICKS' or 'AZURE_KEYVAULT', and is 'azure'"),
        ("permissions: {a: b}", "`permissions` must be a list, and is a mapping"),
        (
            "permissions: [{level: null, user_name: a}]",
            "`permissions[0].level` must be 'READ', 'WRITE' or 'MANAGE', and is empty",
        ),
    ],
)
def test_a_message_says_what_is_wanted_and_what_is_there(found: Find, scope: str, message: str) -> None:
    [problem] = found(f"resources: {{secret_scopes: {{s: {{name: s, {scope}}}}}}}")
    assert problem.message == message


@pytest.mark.parametrize(
    ("source", "remedy"),
    [("{envv: A}", "did you mean `env`?"), ("{value: x}", "say where the value comes from, as in {env: NAME}")],
)
def test_a_source_that_is_none_is_told_what_is(found: Find, source: str, remedy: str) -> None:
    [problem] = found(f"resources: {{secret_scopes: {{s: {{name: s, secrets: {{k: {source}}}}}}}}}")
    assert (problem.code, problem.remedy) == ("P213", remedy)


def test_a_resource_that_is_no_mapping_is_named(found: Find) -> None:
    report = found("resources: {secret_scopes: {s: }, model_serving_endpoints: {e: text}}")
    assert [each.message for each in report] == [
        "`secret_scopes.s` must be a mapping, and is empty",
        "`model_serving_endpoints.e` must be a mapping, and is text",
    ]


def test_a_file_full_of_mistakes_ends_early(found: Find) -> None:
    text = "resources: {model_serving_endpoints: {" + ", ".join(f"e{i}: {{nmae: x}}" for i in range(2000)) + "}}"
    assert len(found(text)) == 200


def test_a_message_that_quotes_a_text_without_end_is_cut(found: Find) -> None:
    [problem] = [each for each in found(f"targets: {{t: {{mode: {'x' * 500_000}}}}}") if each.severity == "error"]
    assert len(problem.message) == 1_000
    assert problem.message.endswith("…")
