"""The public surface: what `__all__` promises is there, lazily, and keeps its meaning once submodules are loaded."""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import subprocess
import sys
from types import ModuleType

import pytest

PACKAGES = ["provisioning", "chat", "local_workspace"]


def submodules(package: str) -> list[str]:
    path = importlib.import_module(package).__path__
    return [found.name for found in pkgutil.walk_packages(path, f"{package}.") if not found.name.endswith("__main__")]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_export_is_usable_after_all_submodules_are_imported(package: str) -> None:
    for name in submodules(package):
        importlib.import_module(name)
    module = importlib.import_module(package)
    assert module.__all__
    for name in module.__all__:
        exported = getattr(module, name)
        # `import provisioning.plan` would shadow a function `plan`: no export may share a submodule's name.
        assert not isinstance(exported, ModuleType), name
        assert callable(exported) or not name[0].isupper(), name
        assert exported.__doc__, name


@pytest.mark.parametrize("package", PACKAGES)
def test_dir_lists_the_exports(package: str) -> None:
    module = importlib.import_module(package)
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = importlib.import_module(package).no_such_name


@pytest.mark.parametrize("statement", ["import provisioning.readiness", "import chat", "import local_workspace"])
def test_importing_a_package_loads_no_third_party_module(statement: str) -> None:
    program = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in loaded if name.partition(".")[0] in PACKAGES}
    foreign = {name.partition(".")[0] for name in set(loaded) - ours} - set(sys.stdlib_module_names)
    assert foreign == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_help_by_module_and_by_console_script_is_the_same(package: str) -> None:
    script = f"gatewright-{package.replace('_', '-')}"
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name=script)
    program = f"import sys; sys.argv = [{script!r}, '--help']; from {entry.module} import {entry.attr}; {entry.attr}()"
    by_script = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    by_module = subprocess.run([sys.executable, "-m", package, "--help"], capture_output=True, text=True, check=False)
    assert by_module.returncode == by_script.returncode == 0
    assert "Usage" in by_module.stdout
    assert by_module.stdout.replace(f"python -m {package}", "X") == by_script.stdout.replace(script, "X").replace(
        f"python -m {package}", "X"
    )
