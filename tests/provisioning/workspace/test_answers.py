"""How much of an answer is read, and for how long."""

from __future__ import annotations

import gzip
import itertools
import time
from typing import TYPE_CHECKING

import pytest
import requests
from proving.servers import answer, serving

from provisioning.workspace import answers
from provisioning.workspace.answers import AnswerTooLargeError, bound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LARGEST", 2**16)
    monkeypatch.setattr(answers, "LONGEST", 0.2)


def asked(given: bytes | Iterable[bytes]) -> bytes:
    with serving(lambda _request: given) as (host, _), requests.Session() as session:
        session.trust_env = False
        bound(session)
        return session.get(host, timeout=5).content


def without_end(piece: bytes, *, before: bytes = b"") -> Iterator[bytes]:
    return itertools.chain([HEAD + before], itertools.repeat(piece))


def dripping(piece: bytes, *, before: bytes = b"") -> Iterator[bytes]:
    for each in without_end(piece, before=before):
        yield each
        time.sleep(0.01)  # a server takes its time; nobody waits for it


@pytest.mark.parametrize(
    "given",
    [
        without_end(b"x" * 1000, before=b"\r\n"),
        without_end(b"3e8\r\n" + b"x" * 1000 + b"\r\n", before=b"Transfer-Encoding: chunked\r\n\r\n"),
        without_end(b"X: y\r\n" * 100, before=b"Transfer-Encoding: chunked\r\n\r\n0\r\n"),
        itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        answer(b"x" * 10**6),
        answer(gzip.compress(b"x" * 10**7), headers="Content-Encoding: gzip"),
    ],
    ids=["body", "chunks", "trailers", "interim answers", "a large body", "a packed one"],
)
def test_an_answer_that_is_too_large_is_not_read_to_its_end(given: bytes | Iterable[bytes]) -> None:
    with pytest.raises(AnswerTooLargeError):
        asked(given)


@pytest.mark.parametrize(
    "given",
    [
        dripping(b"x"),
        dripping(b"x", before=b"Content-Length: 60000\r\n\r\n"),
        dripping(b"1\r\nx\r\n", before=b"Transfer-Encoding: chunked\r\n\r\n"),
    ],
    ids=["head", "body", "chunks"],
)
def test_an_answer_that_never_ends_is_not_waited_for(given: Iterator[bytes]) -> None:
    with pytest.raises((requests.Timeout, requests.ConnectionError)):
        asked(given)


@pytest.mark.parametrize("headers", ["X: y", "Content-Encoding: gzip"])
def test_any_other_answer_is_read_whole(headers: str) -> None:
    body = b"x" * 60_000
    assert asked(answer(gzip.compress(body) if "gzip" in headers else body, headers=headers)) == body


def test_a_proxys_answer_is_bounded_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _request: without_end(b"X: y\r\n" * 100)) as (proxy, _), requests.Session() as session:
        monkeypatch.setenv("https_proxy", proxy)
        bound(session)
        with pytest.raises((AnswerTooLargeError, requests.ConnectionError)):
            session.get("https://workspace.example.com", timeout=5)
