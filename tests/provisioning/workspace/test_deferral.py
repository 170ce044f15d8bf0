"""A package's modules without its `__init__`, which runs for whoever asks for what only it defines."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from provisioning.workspace.deferral import defer_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PART = "LIGHT = 'part'\n"
BODY = """
import sys
from outer.heavy import part as alias
sys.ran.append(__name__)
if sys.broken:
    raise ImportError("a library is missing")
WHOLE = alias.LIGHT + ' of the whole'
"""


@pytest.fixture
def heavy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """Put a package on the path, deferred; return what tells how often its body ran."""
    folder = tmp_path / "outer" / "heavy"
    folder.mkdir(parents=True)
    (tmp_path / "outer" / "__init__.py").touch()
    (folder / "part.py").write_text(PART)
    (folder / "__init__.py").write_text(BODY)
    monkeypatch.syspath_prepend(tmp_path)
    ran: list[str] = []
    monkeypatch.setattr(sys, "ran", ran, raising=False)
    monkeypatch.setattr(sys, "broken", False, raising=False)
    defer_body("outer.heavy")
    yield lambda: ran
    for name in [each for each in sys.modules if each.partition(".")[0] == "outer"]:
        del sys.modules[name]


def test_a_part_is_imported_without_the_body(heavy: Callable[[], list[str]]) -> None:
    assert import_module("outer.heavy.part").LIGHT == "part"
    assert import_module("outer").heavy.part.LIGHT == "part"
    assert heavy() == []


def test_a_part_is_found_in_the_package_that_nobody_has_imported(heavy: Callable[[], list[str]]) -> None:
    package = import_module("outer.heavy")

    assert package.part.LIGHT == "part"
    assert heavy() == []


def test_what_only_the_body_defines_makes_it_run_once(heavy: Callable[[], list[str]]) -> None:
    package = import_module("outer.heavy")

    assert (package.WHOLE, package.alias.LIGHT) == ("part of the whole", "part")
    assert heavy() == ["outer.heavy"]
    assert type(package) is ModuleType


def test_a_star_import_finds_all_names(heavy: Callable[[], list[str]]) -> None:
    names: dict[str, object] = {}
    exec("from outer.heavy import *", names)  # noqa: S102 - inside a function there is no other way to write it

    assert names["WHOLE"] == "part of the whole"
    assert heavy() == ["outer.heavy"]


def test_many_threads_make_it_run_once(heavy: Callable[[], list[str]]) -> None:
    package, together = import_module("outer.heavy"), threading.Barrier(8)

    def ask(_: int) -> object:
        together.wait(timeout=10)
        return package.WHOLE

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"part of the whole"}
    assert heavy() == ["outer.heavy"]


def test_an_unknown_name_is_an_attribute_error(heavy: Callable[[], list[str]]) -> None:
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = import_module("outer.heavy").nothing_like_it
    assert heavy() == ["outer.heavy"]


def test_a_body_that_fails_is_tried_again(heavy: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    package = import_module("outer.heavy")
    monkeypatch.setattr(sys, "broken", True)
    with pytest.raises(ImportError, match="a library is missing"):
        _ = package.WHOLE
    monkeypatch.setattr(sys, "broken", False)

    assert package.WHOLE == "part of the whole"
    assert heavy() == ["outer.heavy"] * 2


def test_a_package_that_is_loaded_is_left_alone(heavy: Callable[[], list[str]]) -> None:
    package = import_module("outer.heavy")
    assert package.WHOLE == "part of the whole"

    defer_body("outer.heavy")

    assert import_module("outer.heavy") is package
    assert heavy() == ["outer.heavy"]


def test_a_package_that_is_not_installed_is_left_to_the_import_that_needs_it() -> None:
    defer_body("json.no_such_package")

    with pytest.raises(ModuleNotFoundError):
        import_module("json.no_such_package")
