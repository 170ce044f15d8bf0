"""The ledger is whole: every claim has a witness, every witness a claim, and the page says what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from local_workspace.cli import cli
from local_workspace.parity import page
from local_workspace.parity.ledger import Ledger, read
from local_workspace.parity.rule import Certainty
from local_workspace.parity.rules import ALL, FAMILIES
from local_workspace.parity.witnesses import WitnessError, witnesses
from local_workspace.settings import Behaviour

ROOT = Path(__file__).resolve().parents[3]
REMEDY = "run: python -m local_workspace parity --out docs/parity.md"


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return read(ROOT / "tests")


def test_every_rule_and_route_has_a_witness_and_every_witness_a_rule_or_route(ledger: Ledger) -> None:
    assert ledger.problems() == []


def test_the_page_is_what_the_code_says(ledger: Ledger) -> None:
    assert (ROOT / "docs" / "parity.md").read_text(encoding="utf-8") == page.render(ledger), REMEDY


def test_an_id_names_one_rule() -> None:
    assert len(ALL) == sum(map(len, FAMILIES.values()))


def test_each_switch_turns_one_assumed_rule() -> None:
    switched = [rule.switch for rule in ALL.values() if rule.switch]
    assert sorted(switched) == sorted(Behaviour.__dataclass_fields__)
    assert {rule.certainty for rule in ALL.values() if rule.switch} == {Certainty.ASSUMED}


def written(folder: Path, mark: str) -> Path:
    tests = folder / "tests"
    tests.mkdir()
    (tests / "test_it.py").write_text(f"import pytest\n\n\n@{mark}\nasync def test_it() -> None: ...\n")
    return tests


def test_a_witness_of_nothing_is_told_by_its_test(tmp_path: Path) -> None:
    tests = written(tmp_path, 'pytest.mark.witness("no-such-rule", client="HTTP")')
    assert "tests/test_it.py::test_it (line 5) witnesses 'no-such-rule'" in "\n".join(read(tests).problems())


def test_a_claim_without_a_witness_is_told(tmp_path: Path) -> None:
    tests = written(tmp_path, 'pytest.mark.witness("scope-missing", client="databricks-sdk")')
    problems = read(tests).problems()
    assert "no test witnesses the rule scope-exists" in problems
    assert "no test witnesses the route GET /api/2.0/secrets/list" in problems
    assert "no test witnesses the rule scope-missing" not in problems


def test_a_route_wants_a_client_and_not_a_request_made_by_hand(tmp_path: Path) -> None:
    tests = written(tmp_path, 'pytest.mark.witness("GET /api/2.0/secrets/list", client="HTTP")')
    assert any(
        "GET /api/2.0/secrets/list is witnessed by requests made by hand" in each for each in read(tests).problems()
    )


@pytest.mark.parametrize(
    "mark",
    [
        "pytest.mark.witness",
        'pytest.mark.witness("scope-missing")',
        'pytest.mark.witness(RULE, client="HTTP")',
        'pytest.mark.witness("scope-missing", client="curl")',
    ],
)
def test_a_mark_that_cannot_be_read_is_told_with_its_place(tmp_path: Path, mark: str) -> None:
    with pytest.raises(WitnessError, match=r"tests/test_it\.py::test_it, line 5: "):
        witnesses(written(tmp_path, mark))


def test_the_command_writes_the_page_and_fails_for_what_is_missing(tmp_path: Path) -> None:
    out = tmp_path / "parity.md"
    tests = written(tmp_path, 'pytest.mark.witness("scope-missing", client="HTTP")')
    whole = CliRunner().invoke(cli, ["parity", "--tests", str(ROOT / "tests"), "--out", str(out)])
    assert (whole.exit_code, whole.output) == (0, "")
    assert out.read_text(encoding="utf-8").startswith("# Parity\n")
    holed = CliRunner().invoke(cli, ["parity", "--tests", str(tests), "--out", str(out)])
    assert holed.exit_code == 1
    assert "no test witnesses the rule scope-exists" in holed.output
    nowhere = CliRunner().invoke(cli, ["parity", "--tests", str(tmp_path / "none")])
    assert nowhere.exit_code == 2
