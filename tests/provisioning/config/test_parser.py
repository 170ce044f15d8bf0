from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from provisioning.config.nodes import Node, plain
from provisioning.config.parser import parse, scalar_of
from provisioning.config.problems import Problems

if TYPE_CHECKING:
    from pytest_mock import MockerFixture


def parsed(text: str) -> tuple[Node | None, list[Any]]:
    problems = Problems()
    problems.remember("f.yml", text)
    return parse(text, "f.yml", problems), list(problems.sorted())


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("NO", "NO"),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("012", "012"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        ("2024-02-01", "2024-02-01"),
        ("", None),
        ("~", None),
        ("null", None),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_unquoted_scalars_mean_what_they_look_like(written: str, meant: object) -> None:
    result = scalar_of(written)
    assert result == meant
    assert type(result) is type(meant)


@pytest.mark.parametrize("written", ["'true'", '"12"', "|\n  12", "'null'"])
def test_quoted_scalars_are_text(written: str) -> None:
    node, _problems = parsed(f"a: {written}\n")
    assert node is not None
    assert isinstance(plain(node)["a"], str)  # type: ignore[index] # a mapping, as written


def test_every_value_and_key_knows_its_place() -> None:
    node, _problems = parsed("a:\n  - b: 5\n    c: é x\n")
    assert node is not None
    value = node.get("a", 0, "c")
    assert value is not None
    assert (value.span.line, value.span.column, value.span.length) == (3, 8, 3)
    assert value.key is not None
    assert (value.key.line, value.key.column) == (3, 5)


@pytest.mark.parametrize("text", ["", "# nothing here\n", "---\n", "\n\n"])
def test_an_empty_document_is_accepted(text: str) -> None:
    node, problems = parsed(text)
    assert not problems
    assert node is None or node.value is None


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: 1\na: 2\n", "P102", (2, 1)),
        ("a: [1\nb: 2\n", "P101", None),
        ("a: !!binary eA==\n", "P105", (1, 4)),
        ("a: !custom x\n", "P105", (1, 4)),
        ("a: x\x00y\n", "P103", (1, 5)),
        ("a: x\x1b[31m\n", "P103", (1, 5)),
        ("? [a, b]\n: 1\n", "P106", (1, 3)),
        ("a: 1\n---\nb: 2\n", "P101", None),
        ("a: *nowhere\n", "P101", (1, 4)),
        ("a: b: c\n", "P101", (1, 5)),
        ("\tx: 1\n", "P101", None),
        ("a: @x\n", "P101", (1, 4)),
        ("a: &x [*x]\n", "P104", None),
        ("<<: 5\n", "P203", (1, 5)),
    ],
)
def test_bad_yaml_is_reported_with_its_place(text: str, code: str, place: tuple[int, int] | None) -> None:
    _node, problems = parsed(text)
    assert [each.code for each in problems] == [code]
    position = problems[0].position
    assert position is not None
    if place is not None:
        assert (position.line, position.column) == place


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "- " * 100_000 + "x",
        "{a: " * 70 + "}" * 70,
        "? " * 50_000,
        "a:\n" + "".join(f"{' ' * i}b:\n" for i in range(1, 90)),
    ],
    ids=["flow", "block", "mapping", "complex keys", "indented"],
)
def test_nesting_without_end_is_refused(text: str) -> None:
    _node, problems = parsed(text)
    assert {each.code for each in problems} <= {"P104", "P101"}
    assert problems


def test_aliases_that_expand_without_end_are_refused() -> None:
    levels = "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]\n" for i in range(1, 9))
    _node, problems = parsed(f"l0: &l0 [x, x]\n{levels}")
    assert [each.code for each in problems] == ["P104"]


@pytest.mark.parametrize(
    ("text", "message", "remedy", "place"),
    [
        ("a: 1\n---\nb: 2\n", "a second document begins here", "keep one document a file", (2, 1)),
        ("a:\n\tb: 1\n", "a tab stands where only spaces may", "indent with spaces", (2, 1)),
        ("a: `x`\n", None, "quote the value: plain text cannot begin with `", (1, 4)),
        ('a: "x\nb: 1\n', None, None, (1, 4)),
        ("a: {b: 1\nc: [\n", "while parsing a flow mapping that begins on line 1", None, (2, 2)),
    ],
)
def test_what_cannot_be_read_is_put_in_words(
    text: str, message: str | None, remedy: str | None, place: tuple[int, int]
) -> None:
    _node, [problem] = parsed(text)
    assert message is None or message in problem.message
    assert remedy is None or problem.remedy == remedy
    assert (problem.position.line, problem.position.column) == place


@pytest.mark.parametrize(
    "text", ["a: [" + "1," * 1_000_000 + "]\n", "".join(f"k{i}: 1\n" for i in range(100_000)), "- - - x\n" * 50_000]
)
def test_too_many_values_are_refused_before_they_are_built(text: str, mocker: MockerFixture) -> None:
    compose = mocker.spy(yaml, "compose")
    _node, problems = parsed(text)
    assert [each.code for each in problems] == ["P104"]
    assert compose.call_count == 0


def test_anchors_and_merge_keys_work_as_in_bundles() -> None:
    node, problems = parsed("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\nz:\n  <<: [{a: 5}, *x]\n")
    assert not problems
    assert node is not None
    assert plain(node) == {"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}, "z": {"a": 5, "b": 2}}


@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"#%@`, \n\t?<0.~$\u202e\u2028é"), max_size=60))
def test_no_text_raises(text: str) -> None:
    parsed(text)
