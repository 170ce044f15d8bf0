from __future__ import annotations

from collections.abc import Callable

import pytest

from provisioning.config.references import WORKSPACE_FACTS, resolve_workspace, workspace_facts
from provisioning.errors import ConfigError, Diagnostic
from provisioning.model.workspace import Desired

Load = Callable[..., Desired]
Find = Callable[..., tuple[Diagnostic, ...]]

BUNDLE = """
bundle: {name: demo}
workspace: {host: https://w.example}
variables:
  level: {default: CAN_QUERY}
  calls: {default: 7}
  off: {default: false}
  model: {default: gpt-4.1}
  nested: {default: "${var.model}-mini"}
  whole: {default: {tags: [{key: a, value: b}], deep: [{x: found}]}}
  gone: {description: no value}
  found_live: {lookup: {warehouse: main}}
resources:
  secret_scopes: {s: {name: my-scope, permissions: [{level: READ, user_name: "${workspace.current_user.userName}"}]}}
  jobs: {j: {name: nightly}}
  model_serving_endpoints:
    e:
      name: chat
      description: "%s"
"""


def described(loaded: Load, text: str) -> str | None:
    return loaded(BUNDLE % text).endpoints[0].description


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("${var.model}", "gpt-4.1"),
        ("${variables.model.value}", "gpt-4.1"),
        ("a ${var.nested} b", "a gpt-4.1-mini b"),
        ("${var.whole.deep[0].x}", "found"),
        ("${bundle.name}/${bundle.target}", "demo/default"),
        ("${workspace.host}", "https://w.example"),
        ("${resources.secret_scopes.s.name}", "my-scope"),
        ("${resources.jobs.j.name}", "nightly"),
        ("n=${var.calls} ${var.off}", "n=7 false"),
        ("{{secrets/a/b}}", "{{secrets/a/b}}"),
        ("{{secrets/${resources.secret_scopes.s.name}/k}}", "{{secrets/my-scope/k}}"),
        ("${workspace.current_user.userName}", "${workspace.current_user.userName}"),
        ("no $ {reference}", "no $ {reference}"),
    ],
)
def test_references_lead_where_a_bundle_says(loaded: Load, text: str, meant: str) -> None:
    assert described(loaded, text) == meant


def test_a_reference_that_is_the_whole_value_keeps_its_type(loaded: Load) -> None:
    desired = loaded(
        """
        variables:
          calls: {default: 7}
          tags: {type: complex, default: [{key: a, value: b}]}
        resources:
          model_serving_endpoints:
            e:
              name: chat
              tags: ${var.tags}
              ai_gateway: {rate_limits: [{calls: "${var.calls}", renewal_period: minute}]}
        """
    )
    endpoint = desired.endpoints[0]
    assert endpoint.tags is not None
    assert endpoint.tags[0].key == "a"
    assert endpoint.ai_gateway is not None
    assert endpoint.ai_gateway.rate_limits is not None
    assert endpoint.ai_gateway.rate_limits[0].calls == 7


@pytest.mark.parametrize(
    ("text", "code", "remedy"),
    [
        ("${var.modle}", "P301", "did you mean `${var.model}`?"),
        ("${var.whole.nothing}", "P301", None),
        ("${bundle.nam}", "P301", "did you mean `${bundle.name}`?"),
        ("${workspace.current_user.username}", "P301", "did you mean `${workspace.current_user.userName}`?"),
        ("${resources.secret_scope.s.name}", "P301", "did you mean `${resources.secret_scopes…}`?"),
        ("${nothing.at.all}", "P301", "a reference starts with var, bundle, workspace or resources"),
        ("${var.}", "P302", None),
        ("${ var.model }", "P302", None),
        ("open ${var.model", "P302", "close it with `}`"),
        ("${var.gone}", "P304", None),
        ("${var.found_live}", "P306", None),
        ("a ${var.whole} b", "P307", None),
        ("${resources.model_serving_endpoints.e.id}", "P308", "use the name, which is known before"),
        ("${resources.model_serving_endpoints.e.description}", "P303", None),
    ],
)
def test_a_reference_that_leads_nowhere_says_so(found: Find, text: str, code: str, remedy: str | None) -> None:
    errors = [each for each in found(BUNDLE % text) if each.severity == "error"]
    assert [each.code for each in errors] == [code]
    assert errors[0].position is not None
    assert errors[0].position.line == BUNDLE[: BUNDLE.index("%s")].count("\n") + 1
    if remedy is not None:
        assert errors[0].remedy == remedy


def chain(length: int, link: str, end: str) -> str:
    """Write variables v0, v1, ..., each of which refers to the next; `NEXT` in the link is that reference."""
    links = "".join(f"  v{i}: {{default: {link.replace('NEXT', f'${{var.v{i + 1}}}')}}}\n" for i in range(length))
    return f"variables:\n{links}  v{length}: {{default: {end}}}\n"


def test_variables_that_lead_in_a_circle_are_reported(found: Find) -> None:
    text = chain(1, "'NEXT'", "'${var.v0}'") + "resources: {secret_scopes: {s: {name: '${var.v0}'}}}\n"
    assert "P303" in {each.code for each in found(text)}


@pytest.mark.parametrize(
    ("length", "link", "end", "code"),
    [
        (14, "'NEXT'", "end", "P303"),
        (8, f"'{'NEXT' * 10}'", "xxxxxxxxxx", "P104"),
        (9, f"[{', '.join([chr(39) + 'NEXT' + chr(39)] * 10)}]", "[x]", "P104"),
    ],
    ids=["too deep", "too long a text", "too many values"],
)
def test_references_that_expand_without_end_are_refused(
    found: Find, length: int, link: str, end: str, code: str
) -> None:
    text = chain(length, link, end) + "resources: {secret_scopes: {s: {name: s, permissions: '${var.v0}'}}}\n"
    assert code in {each.code for each in found(text)}


def test_every_place_that_refers_to_nothing_is_told_and_told_once(found: Find) -> None:
    text = "variables: {a: {default: '${var.gone}'}}\nresources:\n  secret_scopes:\n"
    scopes = "".join(f"    s{i}: {{name: s{i}, backend_type: '${{var.{name}}}'}}\n" for i, name in enumerate("xxa"))
    places = [(each.code, each.position.line if each.position else 0) for each in found(text + scopes)]
    assert places == [("P301", 1), ("P301", 4), ("P301", 5)]


def test_what_other_resources_refer_to_is_none_of_our_business(found: Find) -> None:
    text = "resources: {jobs: {j: {name: '${var.undeclared}'}}, secret_scopes: {s: {name: s}}}"
    assert [each.code for each in found(text)] == ["P404"]


class TestTheWorkspaceFillsIn:
    FACTS = workspace_facts(host="https://w.example", user_name="Ann.Bee@example.com")

    def test_every_fact_has_a_value(self) -> None:
        assert tuple(self.FACTS) == WORKSPACE_FACTS
        assert self.FACTS["workspace.current_user.short_name"] == "ann_bee"

    def test_texts_everywhere(self, loaded: Load) -> None:
        desired = resolve_workspace(loaded(BUNDLE % "by ${workspace.current_user.short_name}"), self.FACTS)
        assert desired.endpoints[0].description == "by ann_bee"
        assert desired.scopes[0].permissions is not None
        assert desired.scopes[0].permissions[0].principal == "Ann.Bee@example.com"

    def test_positions_follow_a_name_that_changed(self, loaded: Load) -> None:
        text = "resources: {model_serving_endpoints: {e: {name: 'x-${workspace.current_user.short_name}'}}}"
        desired = resolve_workspace(loaded(text), self.FACTS)
        assert set(desired.positions) == {"model_serving_endpoints.x-ann_bee", "model_serving_endpoints.x-ann_bee#name"}

    def test_absent_fields_stay_absent(self, loaded: Load) -> None:
        before = loaded(BUNDLE % "${workspace.current_user.userName}").endpoints[0]
        after = resolve_workspace(loaded(BUNDLE % "${workspace.current_user.userName}"), self.FACTS).endpoints[0]
        assert after.model_fields_set == before.model_fields_set

    def test_what_has_no_references_is_the_same(self, loaded: Load) -> None:
        desired = loaded("resources: {model_serving_endpoints: {e: {name: e}}}")
        assert resolve_workspace(desired, {}) == desired

    @pytest.mark.parametrize(
        ("facts", "code"),
        [({}, "P301"), ({"workspace.current_user.short_name": "x" * 64}, "P204")],
    )
    def test_what_cannot_be_filled_in_is_reported(self, loaded: Load, facts: dict[str, str], code: str) -> None:
        text = "resources: {model_serving_endpoints: {e: {name: 'x-${workspace.current_user.short_name}'}}}"
        with pytest.raises(ConfigError) as caught:
            resolve_workspace(loaded(text), facts)
        assert [each.code for each in caught.value.diagnostics] == [code]
        assert caught.value.diagnostics[0].position is not None


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_each_bad_reference_in_a_text_is_pointed_at(found: Find, quote: str) -> None:
    text = f"resources:\n  secret_scopes:\n    s:\n      name: {quote}a-${{var.x}}-${{var.yy}}{quote}\n"
    report = found(text)
    marked = [(each.snippet or "")[each.caret :][: each.length] for each in report]
    assert marked == ["${var.x}", "${var.yy}"]


def test_an_address_may_begin_with_the_workspaces(loaded: Load) -> None:
    base = "${workspace.host}/serving-endpoints"
    text = f"""
    resources:
      model_serving_endpoints:
        e:
          name: e
          config:
            served_entities:
              - external_model:
                  provider: openai
                  name: m
                  task: llm/v1/chat
                  openai_config: {{openai_api_base: "{base}", openai_api_key: "{{{{secrets/s/k}}}}"}}
    """
    desired = resolve_workspace(loaded(text), workspace_facts(host="https://w.example", user_name="ann@example.com"))
    assert "https://w.example/serving-endpoints" in repr(desired.endpoints)
