from __future__ import annotations

import pytest

from benchmarks.harness import Case, Measured, Row, Target, differences, ratios, take_turns


def test_cases_take_turns_after_a_warm_up_that_is_not_counted() -> None:
    order: list[str] = []

    def case(name: str) -> Case:
        return Case(name, lambda: order.append(name) or float(len(order)))

    ours, theirs = take_turns([case("ours"), case("theirs")], rounds=2, unit="s")
    assert order == ["ours", "theirs"] * 3
    assert (ours.samples, theirs.samples) == ((3.0, 5.0), (4.0, 6.0))


def test_ratios_are_taken_within_a_round() -> None:
    ours, theirs = Measured("ours", "s", (1.0, 10.0)), Measured("theirs", "s", (2.0, 30.0))
    assert ratios(theirs, ours) == (2.0, 3.0)
    assert differences(theirs, ours) == (1.0, 20.0)


@pytest.mark.parametrize(
    ("sense", "figure", "reached"),
    [("≤", 2.0, True), ("≤", 2.1, False), ("≥", 2.0, True), ("≥", 1.9, False), ("=", 2.0, True), ("=", 3.0, False)],
)
def test_a_target_is_judged_by_the_median(sense: str, figure: float, *, reached: bool) -> None:
    row = Row("", (), (0.0, figure, 100.0), "times", Target(sense, 2))  # type: ignore[arg-type] # of the literals
    assert row.reached is reached


def test_without_a_target_nothing_is_missed() -> None:
    assert Row("", (), (1.0,), "times").reached
