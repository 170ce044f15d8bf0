from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from provisioning.model.inert import inert


@given(st.text())
def test_nothing_invisible_is_left(text: str) -> None:
    assert not any(unicodedata.category(each) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"} for each in inert(text))


def test_lines_become_one() -> None:
    assert inert("a\nb\r\nc\td") == "a b  c d"


def test_long_text_is_cut_and_marked() -> None:
    assert inert("x" * 50, limit=10) == "x" * 9 + "…"
