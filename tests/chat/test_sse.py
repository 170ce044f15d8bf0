from __future__ import annotations

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.sse import Decoder, Event

_LINES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)


def decode(data: bytes, *, cuts: tuple[int, ...] = ()) -> list[Event]:
    decoder = Decoder()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(edges)]
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.flush()


def test_an_event_ends_with_a_blank_line() -> None:
    assert Decoder().feed(b"data: a\n\ndata: b\n") == [Event("a")]


def test_several_data_lines_are_one_event() -> None:
    assert decode(b"data: a\ndata: b\n\n") == [Event("a\nb")]


def test_comments_and_unknown_fields_are_passed_over() -> None:
    assert decode(b": keep-alive\n\nid: 7\nretry: 10\ndata: a\n\n") == [Event("a")]


def test_the_event_field_names_its_own_event_only() -> None:
    assert decode(b"event: error\ndata: a\n\ndata: b\n\n") == [Event("a", "error"), Event("b")]


def test_the_end_of_the_stream_completes_what_lacks_its_blank_line() -> None:
    assert decode(b"data: a\n\ndata: [DONE]") == [Event("a"), Event("[DONE]")]


def test_a_byte_order_mark_is_no_part_of_the_first_field() -> None:
    assert decode(b"\xef\xbb\xbfdata: a\n\n", cuts=(1, 2)) == [Event("a")]


# How fast a shared machine draws examples is no property of the decoder.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    payloads=st.lists(_LINES, min_size=1, max_size=5),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    cuts=st.lists(st.integers(min_value=0, max_value=500), max_size=12),
)
def test_no_cut_and_no_line_ending_changes_the_events(payloads: list[str], ending: str, cuts: list[int]) -> None:
    data = "".join(f"data: {payload}{ending}{ending}" for payload in payloads).encode()
    assert decode(data, cuts=tuple(cuts)) == [Event(payload) for payload in payloads]
