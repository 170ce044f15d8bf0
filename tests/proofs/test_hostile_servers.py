"""Servers that answer in no good faith: whatever they send ends, soon, in a typed error that cannot act on a terminal.

None is told a token that is not its own: a redirect to another host is not followed with one, and a host that cannot
show who it is hears nothing.
"""

from __future__ import annotations

import asyncio
import gc
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from proving.bad_faith import ANSWERS, TOO_LARGE, TOO_SLOW
from proving.certificates import self_signed, server_side
from proving.servers import answer, serving
from proving.virtual_time import virtual_time
from proving.worlds import Endpoint, Scope, World
from pydantic import SecretStr

from chat import AsyncChatClient, ChatClient, ChatDatabricks, ChatError
from chat.aio import pool
from provisioning import Access, plan
from provisioning.errors import ProvisioningError
from provisioning.workspace import answers

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from proving.sizes import Proof

TOKEN = "dapi-for-one-host-alone"
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
LIMIT = 1_000
"""Characters of a server's text that an error may quote."""
MOST_BYTES = 2**18
LONGEST_SECONDS = 30.0
"""What is told from a hang, on a machine that is busy with much else; alone it takes a fraction of a second."""


def planned(host: str, folder: Path) -> None:
    world = World({"llm": Scope({"first": 0})}, {"chat": Endpoint("llm", "first")})
    with virtual_time():
        plan(world.desired(folder), access=Access(host=host, token=SecretStr(TOKEN), environ=world.environ()))


CHAT: dict[str, Any] = {
    "endpoint": "chat", "token": TOKEN, "timeout": 0.1, "max_retries": 0, "max_bytes": MOST_BYTES,
}  # fmt: skip


def asked(host: str, _folder: Path) -> None:
    with ChatClient(host=host, **CHAT) as client:
        client.invoke("hello")


def streamed(host: str, _folder: Path) -> None:
    with ChatClient(host=host, **CHAT) as client:
        for _ in client.stream("hello"):
            pass


def asked_from_a_loop(host: str, _folder: Path) -> None:
    async def ask() -> None:
        async with AsyncChatClient(host=host, **CHAT) as client:
            await client.ainvoke("hello")

    asyncio.run(ask())


def asked_by_langchain(host: str, _folder: Path) -> None:
    ChatDatabricks(host=host, **CHAT).invoke("hello")


CALLERS = {
    "provisioning": planned,
    "chat": asked,
    "chat, streaming": streamed,
    "chat, async": asked_from_a_loop,
    "LangChain": asked_by_langchain,
}


def plainly_refused(proof: Proof, caller: str, host: str, folder: Path) -> None:
    """Let a caller fail at a host, and look at how it does."""
    started = time.perf_counter()
    # Garbage that is collected where an answer's depth has used up the stack is finalized without any.
    gc.disable()
    try:
        with pytest.raises((ProvisioningError, ChatError)) as caught:
            CALLERS[caller](host, folder)
    finally:
        gc.enable()
    said = str(caught.value)
    assert not UNSEEN.search(said)
    assert len(said) < LIMIT
    assert time.perf_counter() - started < LONGEST_SECONDS
    proof.tried("answers")


@pytest.mark.parametrize("caller", ["provisioning", "chat"])
@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_in_bad_faith_is_a_typed_error_in_plain_text(
    proof: Proof, tmp_path: Path, caller: str, kind: str
) -> None:
    with serving(lambda _request: ANSWERS[kind]) as (host, _):
        plainly_refused(proof, caller, host, tmp_path / "configs")


@pytest.mark.parametrize("caller", CALLERS)
def test_an_answer_without_end_is_neither_read_nor_waited_for(
    proof: Proof, tmp_path: Path, caller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "LARGEST", MOST_BYTES)
    monkeypatch.setattr(answers, "LONGEST", 0.03)
    monkeypatch.setattr(pool, "CONNECT_TIMEOUT", 0.1)
    for kind, pieces in proof.some({**TOO_LARGE, **TOO_SLOW}).items():
        print(kind)  # noqa: T201 - pytest shows it with a failure
        with serving(lambda _request, pieces=pieces: pieces()) as (host, _):  # type: ignore[misc] # mypy knows no default
            plainly_refused(proof, caller, host, tmp_path / "configs")


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_no_redirect_carries_a_token_to_another_host(proof: Proof, tmp_path: Path, caller: str, status: str) -> None:
    with serving(lambda _request: answer(b'{"userName": "x"}')) as (elsewhere, heard):
        # the name differs, the machine does not: a client that follows it gets there
        location = f"Location: {elsewhere.replace('127.0.0.1', 'localhost')}/"
        with serving(lambda _request: answer(b"", status=status, headers=location)) as (host, asked):
            plainly_refused(proof, caller, host, tmp_path / "configs")
    assert any(TOKEN.encode() in request for request in asked)
    # the SDK's anonymous look at the host's metadata is all that may get there
    assert not any(b"authorization" in request.lower() or TOKEN.encode() in request for request in heard)
    proof.tried("redirects")


@pytest.fixture(scope="module")
def impostor(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """TLS with a certificate that nobody but its bearer has signed."""
    return server_side(self_signed(tmp_path_factory.mktemp("impostor")))


@pytest.mark.parametrize("caller", CALLERS)
def test_a_host_that_cannot_show_who_it_is_hears_nothing(
    proof: Proof, tmp_path: Path, caller: str, impostor: ssl.SSLContext
) -> None:
    with serving(lambda _request: answer(b'{"userName": "x"}'), tls=impostor) as (host, heard):
        plainly_refused(proof, caller, host, tmp_path / "configs")
    assert heard == []
    proof.tried("impostors")
