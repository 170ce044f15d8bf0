"""`python -m chat` beside servers that repeat the caller's credential in all that they answer: it is shown nowhere."""

from __future__ import annotations

import io
import itertools
import json
import logging
import traceback
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

import pytest
from proving.canaries import forms
from proving.listening import Answer, Heard, Host, hosts

from chat import ChatClient, ChatError
from chat.cli import run
from chat.client.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from proving.sizes import Proof

TOKEN, SECRET, MINTED = "dapi-canary-of-a-user", "dose-canary-of-a-principal", "eyJ-canary-minted"
LOGINS: Mapping[str, Mapping[str, str]] = {
    "token": {"DATABRICKS_TOKEN": TOKEN},
    "OAuth": {"DATABRICKS_CLIENT_ID": "0a1b2c3d-0000-4000-8000-000000000001", "DATABRICKS_CLIENT_SECRET": SECRET},
}
COMMANDS = (
    "any Hi", "any Hi --no-stream", "any Hi --json", "any Hi --system Brief", "any Hi --wait 0.1",
    "batch any {rows} {out}", "batch any {rows} {out} --resume",
)  # fmt: skip
ENDINGS = ("well", "400", "401", "403", "500", "no login", "no JSON", "bug", "ctrl-c")


def repeating(ending: str, *sent: str) -> Answer:
    """Answer, and repeat what was sent in every form."""
    said = " ".join(sorted({form for each in sent for form in forms(each)}))
    if ending == "well":
        message = {"role": "assistant", "content": "hello"}
        return 200, {"id": "1", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    return int(ending) if ending.isdecimal() else 200, {"error_code": "X", "message": said, "detail": [{"input": said}]}


def answering(ending: str, _host: Host, heard: Heard) -> Answer:
    if not heard.path.startswith("/oidc/"):
        return repeating(ending, heard.authorization.partition(" ")[2])
    if ending == "no login":
        return repeating("401", SECRET, heard.authorization.partition(" ")[2])
    return 200, {"access_token": MINTED, "token_type": "Bearer", "expires_in": 3600}


def broken(error: BaseException) -> object:
    def send(*_: object, **__: object) -> None:
        raise error

    return send


def said_by(arguments: list[str]) -> Iterator[str]:
    """Run a command, and yield what it said, and how an exception would be shown that it lets pass."""
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(errors):
        try:
            run(arguments)
        except RuntimeError as error:
            yield "".join(traceback.format_exception(error))
    yield out.getvalue() + errors.getvalue()


def with_locals() -> str:
    """Call as a library, and return what a tool that shows tracebacks with their locals makes of the last frame's."""
    try:
        ChatClient("any", max_retries=0).invoke("Hi")
    except ChatError as error:
        return f"{error!r} {error} {error.remedy} {vars(error)}"
    except (RuntimeError, KeyboardInterrupt):
        pass
    return ""


def test_no_credential_is_shown_by_chat(proof: Proof, tmp_path: Path) -> None:
    rows, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows.write_text("".join(json.dumps({"custom_id": str(n), "prompt": "Hi"}) + "\n" for n in range(3)))
    drawn = list(itertools.product(ENDINGS, LOGINS))
    for ending, login in proof.dice().sample(drawn, proof.size(quick=len(drawn), full=len(drawn))):
        log = io.StringIO()
        handler = logging.StreamHandler(log)
        with (
            hosts(1, lambda host, heard, at=ending: answering(at, host, heard)) as [host],
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr(logging.getLogger(), "level", logging.DEBUG)
            patch.setattr(logging.getLogger(), "handlers", [handler])
            for name, value in {"DATABRICKS_HOST": host.url, **LOGINS[login]}.items():
                patch.setenv(name, value)
            if ending in {"bug", "ctrl-c"}:
                error = RuntimeError("a bug of ours") if ending == "bug" else KeyboardInterrupt()
                patch.setattr(PooledTransport, "send", broken(error))
            seen = [with_locals()]
            for command in COMMANDS:
                seen += said_by(command.format(rows=rows, out=out).split())
                proof.tried("commands")
            assert any(each.authorization for each in host.heard) or ending in {"bug", "ctrl-c"}, (ending, login)
        seen += [log.getvalue(), *(path.read_text() for path in tmp_path.iterdir())]
        caught = {
            form for each in (TOKEN, SECRET, MINTED) for form in forms(each) if any(form in text for text in seen)
        }
        assert not caught, (ending, login, caught)
