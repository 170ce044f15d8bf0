from __future__ import annotations

from provisioning.workspace.pacing import Pace


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_calls_within_the_window_do_not_wait() -> None:
    clock = Clock()
    pace = Pace(3, window=10.0, clock=clock)

    for _ in range(3):
        pace.wait(sleep=clock.sleep)

    assert clock.now == 0.0


def test_call_too_many_waits_until_the_first_has_left_the_window() -> None:
    clock = Clock()
    pace = Pace(2, window=10.0, clock=clock)
    pace.wait(sleep=clock.sleep)
    clock.now = 4.0
    pace.wait(sleep=clock.sleep)

    pace.wait(sleep=clock.sleep)
    assert clock.now == 10.0
    pace.wait(sleep=clock.sleep)
    assert clock.now == 14.0
