"""Which test shows what: read from the tests' text, so that nothing needs to be run or even installed.

A test says so by a mark with literal arguments:

    @pytest.mark.witness("scope-missing", "GET /api/2.0/secrets/list", client="databricks-sdk")
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLIENTS = (
    "databricks-sdk",
    "mlflow",
    "openai",
    "anthropic",
    "google-genai",
    "databricks-openai",
    "databricks-langchain",
    "HTTP",
)
"""The clients that a test may drive, unmodified; `HTTP` is a request by hand, for what no client sends."""

_MARK = "pytest.mark.witness"


class WitnessError(ValueError):
    """A mark that cannot be read.

    Args:
        message: which test, where, and what is wrong.
    """


@dataclass(frozen=True)
class Witness:
    """A test that shows something.

    Attributes:
        shows: a rule's id, or a route as `METHOD path`.
        client: whose unmodified client it drives.
        test: `folder/file.py::test`, from the folder above the tests on.
        line: of the test's file.
    """

    shows: str
    client: str
    test: str
    line: int


def witnesses(tests: Path) -> list[Witness]:
    """Return what the tests of a folder say they show, in the order of files and lines.

    Args:
        tests: the folder; every `test_*.py` below it is read.

    Raises:
        WitnessError: a mark has no literal arguments, or names an unknown client.
    """
    return [
        witness
        for path in sorted(tests.rglob("test_*.py"))
        for witness in _of_file(path, name=path.relative_to(tests.parent).as_posix())
    ]


def _of_file(path: Path, *, name: str) -> Iterator[Witness]:
    text = path.read_text(encoding="utf-8")
    if _MARK not in text:
        return
    for node in ast.walk(ast.parse(text, filename=str(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if ast.unparse(mark).startswith(_MARK):
                    yield from _of_mark(mark, test=f"{name}::{node.name}", line=node.lineno)


def _of_mark(mark: ast.expr, *, test: str, line: int) -> Iterator[Witness]:
    try:
        shown, client = _arguments(mark)
    except (KeyError, TypeError, ValueError) as error:
        raise WitnessError(f"{test}, line {line}: a witness mark takes ids and client=…, as literals") from error
    if client not in CLIENTS:
        raise WitnessError(f"{test}, line {line}: unknown client {client!r}; there are {', '.join(CLIENTS)}")
    for each in shown:
        yield Witness(each, client, test, line)


def _arguments(mark: ast.expr) -> tuple[list[str], str]:
    if not isinstance(mark, ast.Call):
        raise TypeError("it is not called")
    options = {each.arg: ast.literal_eval(each.value) for each in mark.keywords}
    return [str(ast.literal_eval(each)) for each in mark.args], str(options["client"])
