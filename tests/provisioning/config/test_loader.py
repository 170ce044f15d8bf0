from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioning import load as exported
from provisioning.config import load
from provisioning.config.references import resolve_workspace, workspace_facts
from provisioning.errors import ConfigError
from provisioning.model.workspace import Desired
from provisioning.reporters import diagnostics
from provisioning.reporters.workflow_commands import annotated

CONFIGS = Path(__file__).parents[3] / "configs"
SOURCES = [path.read_text(encoding="utf-8") for path in sorted(CONFIGS.rglob("*.yml"))]
PIECES = [
    *(
        "null",
        "[]",
        "{}",
        "~",
        "5",
        "true",
        "x: y",
        "- a",
        "${",
        "&a",
        "*a",
        "!!binary x",
        "<<: {a: b}",
        "'",
        "|",
        ": ",
    ),
    *("${var.model}", "${workspace.current_user.userName}", "${resources.a.b.c}", "{{secrets/a/b}}", "\u202e", "[[[["),
]
FACTS = workspace_facts(host="https://w.example", user_name="ann@example.com")


def mutated(source: str, seed: int) -> str:
    """Spoil a few lines of a config."""
    chance = random.Random(seed)  # noqa: S311 - a reproducible choice of mistakes, no cryptography
    lines = source.splitlines()
    for _ in range(chance.randint(1, 3)):
        index = chance.randrange(len(lines))
        line = lines[index]
        match chance.randrange(4):
            case 0:
                lines[index] = ""
            case 1:
                lines[index] = f"{line.partition(':')[0]}: {chance.choice(PIECES)}"
            case 2:
                lines.insert(index, " " * chance.randint(0, 12) + chance.choice(PIECES))
            case _:
                lines[index] = " " * chance.randint(0, 10) + line.strip()
    return "\n".join(lines)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(source=st.sampled_from(SOURCES), seed=st.integers(0, 2**32))
def test_no_config_raises_anything_but_a_config_error(tmp_path: Path, source: str, seed: int) -> None:
    path = tmp_path / "spoilt.yml"
    path.write_text(mutated(source, seed), encoding="utf-8")
    try:
        desired = load([path], environ={})
        resolve_workspace(desired, FACTS).model_dump_json()
        found = desired.notes
    except ConfigError as error:
        found = error.diagnostics
        assert any(each.severity == "error" for each in found)
    assert diagnostics.text(found) or not found
    annotated(diagnostics.pinned(found))
    json.dumps(diagnostics.listed(found))


def test_the_package_exports_it() -> None:
    assert exported is load
    assert isinstance(exported([CONFIGS], environ={}), Desired)


def test_positions_lead_to_every_field() -> None:
    desired = load([CONFIGS], environ={})
    at = desired.positions["secret_scopes.llm-gateway#secrets.openai-api-key"]
    line = Path(at.file).read_text(encoding="utf-8").splitlines()[at.line - 1]
    assert line[at.column - 1 :].startswith("openai-api-key")
    assert "model_serving_endpoints.my-chat#config.served_entities[0].external_model.name" in desired.positions


def test_loading_configs_imports_nothing_heavy() -> None:
    heavy = {"databricks", "aiohttp", "langchain_core", "mlflow", "tenacity", "provisioning.secret_sources"}
    code = (
        "import sys; from pathlib import Path; from provisioning.config import load;"
        f"load([Path({str(CONFIGS)!r})]); print(*({heavy!r} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=CONFIGS.parent, capture_output=True, text=True)
    assert done.stdout.strip() == ""
