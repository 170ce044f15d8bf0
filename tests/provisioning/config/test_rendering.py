from __future__ import annotations

from provisioning.errors import Diagnostic, Position
from provisioning.reporters.diagnostics import as_object, listed, one, pinned, summary, text
from provisioning.reporters.workflow_commands import annotated

ERROR = Diagnostic(
    code="P201",
    title="unknown-field",
    message="`tsak` is not a field, 100 % sure",
    position=Position("a,b.yml", 12, 3),
    snippet="  tsak: x",
    caret=2,
    length=4,
    remedy="did you mean `task`?",
)
NOTE = Diagnostic(code="P404", title="skipped", message="jobs are skipped", severity="note")


def test_text_quotes_the_line_and_points_at_the_place() -> None:
    assert one(ERROR).splitlines() == [
        "a,b.yml:12:3: error P201 `tsak` is not a field, 100 % sure",
        "  12 |   tsak: x",
        "     |   ^^^^",
        "  help: did you mean `task`?",
    ]


def test_text_without_a_place_is_one_line() -> None:
    assert one(NOTE) == "note P404 jobs are skipped"


def test_a_caret_follows_tabs_and_never_leaves_the_line() -> None:
    diagnostic = Diagnostic("P101", "x", "m", position=Position("f", 1, 3), snippet="\t\tab", caret=2, length=99)
    assert one(diagnostic).splitlines()[-1] == "    | \t\t^^"


def test_a_caret_stands_below_its_place_after_wide_characters() -> None:
    diagnostic = Diagnostic("P101", "x", "m", position=Position("f", 1, 3), snippet="🚀 é 漢x", caret=4, length=2)
    assert one(diagnostic).splitlines()[-1] == "    |      ^^^"


def test_the_summary_counts_by_severity() -> None:
    assert summary([ERROR, ERROR, NOTE]) == "2 errors, 1 note"
    assert text([]) == ""
    assert text([ERROR]).endswith("\n1 error")


def test_json_holds_everything_but_the_source() -> None:
    document = listed([ERROR, NOTE])
    assert document == {"format": 1, "diagnostics": [as_object(ERROR), as_object(NOTE)]}
    assert as_object(ERROR) == {
        "code": "P201",
        "title": "unknown-field",
        "severity": "error",
        "message": "`tsak` is not a field, 100 % sure",
        "file": "a,b.yml",
        "line": 12,
        "column": 3,
        "remedy": "did you mean `task`?",
    }
    assert as_object(NOTE)["file"] is None


def test_github_annotations_are_escaped() -> None:
    assert annotated(pinned([ERROR])) == [
        (
            "::error file=a%2Cb.yml,line=12,col=3,title=P201 unknown-field"
            "::`tsak` is not a field, 100 %25 sure (did you mean `task`?)"
        )
    ]


def test_github_shows_ten_of_a_level_and_counts_the_rest() -> None:
    lines = annotated(pinned([*[ERROR] * 12, NOTE]))
    assert len(lines) == 11
    assert lines[9] == "::error::and 3 more, in the step's log"
    assert lines[10].startswith("::notice ")
