from __future__ import annotations

import pytest
from pydantic import SecretStr

from provisioning.model.workspace import Verdict
from provisioning.workspace.marker import Marker, Record, judge, parse_marker

VALUE = SecretStr("sk-1")


def marker(*, timestamp: int = 5, version: int | None = None) -> Marker:
    empty = Marker()
    record = Record(fingerprint=empty.fingerprint(VALUE), timestamp=timestamp, version=version)
    return Marker(salt=empty.salt, records={"k": record})


@pytest.mark.parametrize(
    ("known", "value", "version", "timestamp", "verdict"),
    [
        (marker(), VALUE, None, 5, Verdict.SAME),
        (marker(), SecretStr("sk-2"), None, 5, Verdict.DIFFERS),
        (marker(), VALUE, None, 6, Verdict.CHANGED_OUTSIDE),
        (marker(), VALUE, None, None, Verdict.ABSENT),
        (marker(), None, None, 5, Verdict.NOT_CHECKED),
        (Marker(), VALUE, None, 5, Verdict.UNRECORDED),
        (None, VALUE, None, 5, Verdict.UNKNOWN),
        (marker(version=1), VALUE, 2, 5, Verdict.DIFFERS),
        (marker(version=2), VALUE, 2, 5, Verdict.SAME),
    ],
)
def test_verdict(
    known: Marker | None, value: SecretStr | None, version: int | None, timestamp: int | None, verdict: Verdict
) -> None:
    assert judge(known, "k", value=value, version=version, timestamp=timestamp) is verdict


def test_marker_reads_back_and_holds_no_value() -> None:
    made = marker()

    assert parse_marker(made.to_text()) == made
    assert "sk-1" not in made.to_text()


def test_same_value_has_another_fingerprint_in_another_scope() -> None:
    assert Marker().fingerprint(VALUE) != Marker().fingerprint(VALUE)


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"format": 2}', '{"format": 1, "salt": "xyz", "keys": {}}'])
def test_what_is_no_marker_of_ours_is_none(text: str) -> None:
    assert parse_marker(text) is None
