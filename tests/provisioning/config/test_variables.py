from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from provisioning.config import load
from provisioning.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provisioning.errors import Diagnostic

BUNDLE = """
variables:
  v: {default: from-default}
targets:
  t: {variables: {v: %s}}
resources: {secret_scopes: {s: {name: "${var.v}"}}}
"""


def scope(folder: Path, **options: object) -> str:
    return load([folder], **({"environ": {}} | options)).scopes[0].name  # type: ignore[arg-type] # options are load's


def test_each_place_of_a_value_gives_way_to_the_next(write: Callable[..., Path]) -> None:
    assert scope(write({"databricks.yml": BUNDLE.replace("{variables: {v: %s}}", "{}")})) == "from-default"
    folder = write({"databricks.yml": BUNDLE % "from-target"})
    assert scope(folder) == "from-target"
    write({".databricks/bundle/t/variable-overrides.json": json.dumps({"v": "from-file"})})
    assert scope(folder) == "from-file"
    environ = {"BUNDLE_VAR_v": "from-environment", "BUNDLE_VAR_other": "x"}
    assert scope(folder, environ=environ) == "from-environment"
    assert scope(folder, environ=environ, variables={"v": "from-flag"}) == "from-flag"


def test_a_target_may_give_a_whole_declaration(write: Callable[..., Path]) -> None:
    assert scope(write({"databricks.yml": BUNDLE % "{default: from-target}"})) == "from-target"


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        (BUNDLE % "x", {"variables": {"w": "1"}}, "P305"),
        (BUNDLE.replace("variables: {v: %s}", "variables: {w: x}"), {}, "P305"),
        (BUNDLE.replace("{default: from-default}", "{defualt: x}") % "x", {}, "P201"),
        (BUNDLE.replace("{default: from-default}", "direct") % "x", {}, "P203"),
    ],
)
def test_what_is_wrong_with_variables_is_reported(
    found: Callable[..., tuple[Diagnostic, ...]], text: str, options: dict[str, object], code: str
) -> None:
    assert code in {each.code for each in found(text, **options)}


@pytest.mark.parametrize(("content", "code"), [("{", "P101"), ("[]", "P203"), ('{"w": 1}', "P305")])
def test_a_bad_file_of_overrides_is_reported(
    found: Callable[..., tuple[Diagnostic, ...]], content: str, code: str
) -> None:
    files = {"databricks.yml": BUNDLE % "x", ".databricks/bundle/t/variable-overrides.json": content}
    assert code in {each.code for each in found(files)}


def test_a_target_cannot_lead_its_overrides_out_of_the_folder(write: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "variable-overrides.json").write_text('{"v": "from-outside"}')
    folder = write({"databricks.yml": (BUNDLE % "x").replace("  t: {", "  ../../..: {"), ".databricks/bundle/x": ""})
    with pytest.raises(ConfigError) as caught:
        load([folder], environ={})
    assert [each.code for each in caught.value.diagnostics] == ["P108"]


def test_overrides_keep_their_types_and_are_not_repeated(found: Callable[..., tuple[Diagnostic, ...]]) -> None:
    bundle = "variables: {n: {}, t: {}}\nresources: {secret_scopes: {s: {name: '${var.n}', backend_type: '${var.t}'}}}"
    overrides = json.dumps({"n": 5, "t": "correct horse battery staple"}, indent=2)
    report = found({"databricks.yml": bundle, ".databricks/bundle/default/variable-overrides.json": overrides})
    assert {each.code for each in report} == {"P204", "P216"}
    assert "horse" not in repr(report)


def test_the_value_of_a_bad_declaration_is_not_shown(found: Callable[..., tuple[Diagnostic, ...]]) -> None:
    report = repr(found("variables: {k: hunter2hunter2}\n"))
    assert "P203" in report
    assert "hunter2" not in report
