from __future__ import annotations

import functools
import io
import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from chat.cli import commands, run
from chat.cli.session import Session
from chat.client import ChatClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.chat.scripted import ScriptedServer

OK = {"model": "m", "choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}


def piece(content: str, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]}


@pytest.fixture
def server(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    monkeypatch.setenv("DATABRICKS_HOST", scripted.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-stand-in")
    return scripted


def test_an_answer_streams_to_stdout(server: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.stream(piece("hel"), piece("lo", "stop"))
    assert run(["my-chat", "hi", "--system", "Be brief.", "--temperature", "0"]) == 0
    assert capsys.readouterr().out == "hello\n"
    body = server.bodies[0]
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    assert (body["stream"], body["temperature"]) == (True, 0)


def test_without_streaming_the_answer_is_printed_when_complete(
    server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.reply(OK)
    assert run(["my-chat", "hi", "--no-stream"]) == 0
    assert capsys.readouterr().out == "hello\n"
    assert "stream" not in server.bodies[0]


def test_json_is_one_object_on_stdout(server: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.reply(OK | {"usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}})
    assert run(["my-chat", "hi", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["text"], told["finish_reason"], told["usage"]["total_tokens"]) == ("hello", "stop", 3)


def test_escapes_never_reach_a_terminal(
    server: ScriptedServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    server.stream(piece("a\x1b"), piece("]0;title\x07\u202eb\nc", "stop"))
    assert run(["my-chat", "hi"]) == 0
    out = capsys.readouterr().out
    assert not set(out) & {"\x1b", "\x07", "\u202e"}
    assert out.endswith("b\nc\n")


def test_a_file_gets_the_answer_as_it_is(server: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.stream(piece("a\x1b", "stop"))
    run(["my-chat", "hi"])
    assert capsys.readouterr().out == "a\x1b\n"


def test_what_stdout_has_no_bytes_for_is_replaced(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.stream(piece("Gr\N{LATIN SMALL LETTER U WITH DIAERESIS}\N{SPARKLES}!", "stop"))
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="latin-1"))
    assert run(["my-chat", "hi"]) == 0
    assert written.getvalue() == b"Gr\xfc?!\n"


def test_an_error_is_one_message_and_what_to_do_next(
    server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.reply({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such"}, status=404, x_request_id="r-1")
    assert run(["my-chat", "hi"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[0] == "error: 404 RESOURCE_DOES_NOT_EXIST: no such (request id r-1)"
    assert captured.err.splitlines()[1].startswith("  next: ")


def test_a_cut_stream_shows_what_came_and_fails(server: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.stream(piece("part"), None, done=False)
    assert run(["my-chat", "hi"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "part\n"
    assert "cut" in captured.err


def test_a_refused_parameter_is_said_on_stderr(server: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.reply({"error_code": "X", "message": "temperature is not supported"}, status=400).reply(OK)
    assert run(["my-chat", "hi", "--no-stream", "--temperature", "0"]) == 0
    assert "temperature" in capsys.readouterr().err


def test_an_endpoint_not_ready_in_time_is_exit_4(server: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.reply({"state": {"ready": "NOT_READY", "config_update": "IN_PROGRESS"}})
    assert run(["my-chat", "hi", "--wait", "0.01"]) == 4
    assert "IN_PROGRESS" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["my-chat", "hi", "--no-such"],
        ["my-chat", " "],
        ["my-chat", "hi", "--wait", "-1"],
        ["e", "p", "--state", "x"],
    ],
)
def test_a_wrong_usage_is_exit_2(arguments: list[str], server: ScriptedServer) -> None:
    assert run(arguments) == 2
    assert server.requests == []


def test_files_that_do_not_fit_are_named_before_anything_is_sent(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "tools.json"
    broken.write_text("{")
    assert run(["my-chat", "hi", "--tools", str(broken)]) == 2
    assert run(["my-chat", "hi", "--image", str(broken)]) == 2
    assert str(broken) in capsys.readouterr().err
    assert server.requests == []


def test_files_become_parts_of_the_request(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, schema, tools = tmp_path / "a.png", tmp_path / "joke.json", tmp_path / "tools.json"
    image.write_bytes(b"png")
    schema.write_text('{"type": "object"}')
    tools.write_text('[{"type": "function", "function": {"name": "f"}}]')
    call = {"id": "1", "function": {"name": "f", "arguments": '{"a": 1}'}}
    server.reply({"choices": [{"message": {"tool_calls": [call]}}]})
    files = ["--image", str(image), "--json-schema", str(schema), "--tools", str(tools)]
    assert run(["my-chat", "hi", "--no-stream", *files]) == 0
    assert capsys.readouterr().out == 'f({"a": 1})\n'
    body = server.bodies[0]
    assert body["messages"][0]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")  # type: ignore[index]
    assert body["response_format"]["json_schema"]["name"] == "joke"  # type: ignore[index]
    assert body["tools"][0]["function"]["name"] == "f"  # type: ignore[index]


def start(server: ScriptedServer, *arguments: str, **options: object) -> subprocess.Popen[bytes]:
    environment = os.environ | {"DATABRICKS_HOST": server.host, "DATABRICKS_TOKEN": "dapi-stand-in"}
    command = [sys.executable, "-m", "chat", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_a_closed_pipe_is_quiet(scripted: ScriptedServer) -> None:
    scripted.stream(*[piece("x" * 1000)] * 500, piece("", "stop"))
    process = start(scripted, "my-chat", "hi")
    assert process.stdout is not None
    process.stdout.read(1)
    process.stdout.close()
    assert process.wait(30) == 0
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == b""


def test_ctrl_c_is_exit_130_without_a_traceback(scripted: ScriptedServer) -> None:
    scripted.reply({}, status=429, retry_after="50")
    process = start(scripted, "my-chat", "hi")
    assert process.stderr is not None
    process.stderr.readline()  # it says that it waits: now it does
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in errors


def test_the_prompt_is_read_from_a_pipe(scripted: ScriptedServer) -> None:
    scripted.stream(piece("ok", "stop"))
    process = start(scripted, "my-chat", stdin=subprocess.PIPE)
    out, _ = process.communicate(b"from a pipe", timeout=30)
    assert out == b"ok\n"
    assert scripted.bodies[0]["messages"] == [{"role": "user", "content": "from a pipe"}]


def test_local_needs_no_account(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "chat",
        "databricks-claude-sonnet-4",
        "Say hello",
        "--local",
        "--state",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


def converse(server: ScriptedServer, *lines: str, system: str | None = None) -> None:
    typed: Iterator[str] = iter(lines)

    def read(_: str) -> str:
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    with ChatClient("my-chat", host=server.host, token="dapi-stand-in") as client:
        Session(client, system=system, params={}, read=read).run()


def said(server: ScriptedServer) -> list[list[object]]:
    return [[message["content"] for message in body["messages"]] for body in server.bodies]  # type: ignore[attr-defined]


def test_a_session_remembers_what_was_said(server: ScriptedServer) -> None:
    server.stream(piece("hello", "stop"))
    converse(server, "one", "two", "/reset", "three", "/quit", "never", system="s")
    assert said(server) == [["s", "one"], ["s", "one", "hello", "two"], ["s", "three"]]


def test_a_session_begins_again_under_new_instructions(server: ScriptedServer) -> None:
    server.stream(piece("hello", "stop"))
    converse(server, "one", "/system Be brief.", "two")
    assert said(server) == [["one"], ["Be brief.", "two"]]


def test_a_session_takes_several_lines(server: ScriptedServer) -> None:
    server.stream(piece("hello", "stop"))
    converse(server, "one\\", "two", '"""three', "four", '"""')
    assert said(server) == [["one\ntwo"], ["one\ntwo", "hello", "three\nfour"]]


def test_an_error_does_not_end_a_session(server: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.reply({"error_code": "X", "message": "no"}, status=400).stream(piece("hello", "stop"))
    converse(server, "one", "two")
    assert said(server) == [["one"], ["two"]]
    assert "error: 400 X: no" in capsys.readouterr().err


class Clock:
    """Time that passes only while somebody sleeps."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    told = Clock()
    monkeypatch.setattr(commands, "ChatClient", functools.partial(ChatClient, clock=told, sleep=told.sleep))
    return told


def test_a_host_that_is_not_there_is_said_and_given_up_soon(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("DATABRICKS_HOST", host)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-stand-in")
    assert run(["my-chat", "hi"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert clock.now <= 5
    assert lines[0].startswith(f"Cannot connect to {host}: Connection refused; next attempt in ")
    assert f"error: Cannot connect to {host}: Connection refused." in lines


def test_a_throttled_call_says_why_it_waits(
    server: ScriptedServer, capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    server.reply({"error_code": "X", "message": "too fast"}, status=429, retry_after="7").stream(piece("a", "stop"))
    assert run(["my-chat", "hi"]) == 0
    assert "too fast; next attempt in" in capsys.readouterr().err
    assert clock.now >= 7


def test_an_answer_that_breaks_off_ends_its_line_before_the_error(
    server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.stream(piece("half"), None)
    converse(server, "hi")
    captured = capsys.readouterr()
    assert captured.out == "half\n\n"  # the second ends the conversation
    assert "cut before its end" in captured.err
