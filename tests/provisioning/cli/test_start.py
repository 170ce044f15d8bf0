"""What a command loads before it begins: `validate` and `--help` are to stay fast."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.provisioning.conftest import Configs

NEEDED = {
    *("annotated_types", "click", "provisioning", "pydantic", "pydantic_core"),
    *("typing_extensions", "typing_inspection", "yaml"),
}
"""All that is loaded besides the standard library; most of it is pydantic's own."""


def loaded(*arguments: str) -> set[str]:
    program = (
        "import sys; before = set(sys.modules); from provisioning.cli import run; run(sys.argv[1:]);"
        "print(*sys.modules.keys() - before)"
    )
    shown = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return set(shown.stdout.splitlines()[-1].split())


def outside(modules: set[str]) -> set[str]:
    roots = {each.partition(".")[0] for each in modules}
    # compiled modules of Cython register themselves, and yaml's C loader is one
    return {each for each in roots - sys.stdlib_module_names if not each.startswith(("_", "cython"))}


@pytest.mark.parametrize("arguments", [("validate",), ("validate", "--target", "local,local")])
def test_validate_loads_nothing_but_what_reads_configs(configs: Configs, arguments: tuple[str, ...]) -> None:
    modules = loaded(arguments[0], str(configs), *arguments[1:])

    assert outside(modules) <= NEEDED
    assert "provisioning.workspace" not in modules
    assert "provisioning.model.plan" not in modules


def test_help_loads_no_sdk_and_no_yaml() -> None:
    assert outside(loaded("--help")) <= NEEDED - {"yaml"}


def test_a_command_loads_no_client_of_the_sdk_until_somebody_asks_for_one() -> None:
    program = (
        "import sys, provisioning.runner; assert 'databricks.sdk.core' in sys.modules;"
        "assert not [each for each in sys.modules if each.startswith('databricks.sdk.mixins')];"
        "assert 'databricks.sdk.service.serving' not in sys.modules;"
        "from databricks.sdk import WorkspaceClient; from databricks.sdk.core import Config;"
        "from provisioning.workspace import sdk; assert sdk.Config is Config and WorkspaceClient.serving_endpoints;"
        "assert 'databricks.sdk.service.serving' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
