"""Batches: every row exactly once, whatever happens in between."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from chat import AsyncChatClient, ChatError, abatch, batch, errors
from chat.cli import run

if TYPE_CHECKING:
    from pathlib import Path

    from local_workspace.local import WorkspaceHandle
    from tests.chat.scripted import ScriptedServer

OK = {
    "model": "m",
    "choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "in.jsonl", tmp_path / "out.jsonl"


@pytest.fixture
def replies(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    monkeypatch.setenv("DATABRICKS_HOST", scripted.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-stand-in")
    return scripted


def lines(target: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in target.read_text().splitlines()]


def texts(target: Path) -> dict[str, str]:
    return {line["custom_id"]: line["response"]["body"]["choices"][0]["message"]["content"] for line in lines(target)}


def test_rows_of_every_kind_are_answered(replies: ScriptedServer, files: tuple[Path, Path]) -> None:
    source, target = files
    replies.reply(OK)
    request = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions"}
    rows = [
        json.dumps({**request, "body": {"model": "gpt", "messages": [{"role": "user", "content": "1"}], "seed": 7}}),
        json.dumps({"prompt": "2", "temperature": 0.5}),
        json.dumps({"messages": [["user", "3"]]}),
        '"4"',
        "",
        "five and six",
        "7",
    ]
    source.write_text("\n".join(rows))
    summary = batch("my-chat", source, target, temperature=0)
    assert (summary.rows, summary.answered, summary.failed) == (6, 6, 0)
    assert summary.usage.total_tokens == 30
    assert texts(target) == dict.fromkeys(["a", "line-2", "line-3", "line-4", "line-6", "line-7"], "hello")
    sent = {body["messages"][-1]["content"]: body for body in replies.bodies}  # type: ignore[index]
    assert sent.keys() == {"1", "2", "3", "4", "five and six", "7"}
    assert "model" not in sent["1"]
    assert (sent["1"]["seed"], sent["1"]["temperature"], sent["2"]["temperature"]) == (7, 0, 0.5)


def test_every_line_that_is_no_row_is_named_before_anything_is_sent(
    replies: ScriptedServer, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = files
    wrong = ["{", '{"a": 1}', '{"custom_id": "x", "prompt": "p"}', '{"custom_id": "x", "prompt": "q"}']
    wrong.append('{"url": "/v1/embeddings", "body": {}}')
    source.write_text("\n".join(wrong))
    assert run(["batch", "my-chat", str(source), str(target)]) == 1
    said = capsys.readouterr().err
    assert [f"{source}:{number}: " in said for number in (1, 2, 3, 4, 5)] == [True, True, False, True, True]
    assert replies.requests == []
    assert not target.exists()


def test_a_field_of_a_row_is_never_an_option_of_the_call(replies: ScriptedServer, files: tuple[Path, Path]) -> None:
    source, target = files
    replies.reply(OK)
    source.write_text(json.dumps({"prompt": "hi", "token": "stolen", "endpoint": "other", "headers": {"a": "b"}}))
    batch("my-chat", source, target)
    path, headers, body = replies.requests[0]
    assert path == "/serving-endpoints/my-chat/invocations"
    assert headers["authorization"] == "Bearer dapi-stand-in"
    assert body["token"] == "stolen"


def test_a_row_that_fails_does_not_stop_the_others_and_is_asked_again_on_resumption(
    replies: ScriptedServer, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = files
    source.write_text("one\ntwo\nthree\n")
    replies.reply({"error_code": "BAD_REQUEST", "message": "no"}, status=400).reply(OK)
    assert run(["batch", "my-chat", str(source), str(target), "--concurrency", "1"]) == 1
    assert "1 failed" in capsys.readouterr().err
    assert lines(target)[0]["error"] == {"code": "BAD_REQUEST", "message": "400 BAD_REQUEST: no"}
    assert run(["batch", "my-chat", str(source), str(target), "--resume"]) == 0
    assert texts(target) == dict.fromkeys(["line-1", "line-2", "line-3"], "hello")
    assert len(lines(target)) == 3
    assert len(replies.requests) == 4


def test_a_line_that_a_kill_has_cut_is_asked_again(replies: ScriptedServer, files: tuple[Path, Path]) -> None:
    source, target = files
    source.write_text("one\ntwo\n")
    replies.reply(OK)
    batch("my-chat", source, target)
    target.write_bytes(target.read_bytes()[:-7])
    summary = batch("my-chat", source, target, resume=True)
    assert (summary.kept, summary.answered) == (1, 1)
    assert sorted(texts(target)) == ["line-1", "line-2"]
    assert len(lines(target)) == 2


def test_an_output_that_exists_is_left_alone(replies: ScriptedServer, files: tuple[Path, Path]) -> None:
    source, target = files
    source.write_text("one\n")
    target.write_text("precious\n")
    with pytest.raises(errors.InvalidRequestError, match="exists"):
        batch("my-chat", source, target)
    assert target.read_text() == "precious\n"
    assert replies.requests == []


def test_what_no_row_can_succeed_with_stops_the_batch_and_leaves_the_rows_to_a_resumption(
    replies: ScriptedServer, files: tuple[Path, Path]
) -> None:
    source, target = files
    source.write_text("one\ntwo\nthree\n")
    replies.reply({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"}, status=404)
    with pytest.raises(errors.NotFoundError):
        batch("my-chat", source, target, concurrency=1)
    assert (target.read_text(), len(replies.requests)) == ("", 1)


async def test_no_more_calls_than_allowed_run_at_a_time(files: tuple[Path, Path]) -> None:
    source, target = files
    source.write_text("row\n" * 30)
    running = most = 0

    class Counting(AsyncChatClient):
        async def ainvoke(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - never returns
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
            raise ChatError("no")

    await abatch("e", source, target, concurrency=4, client=Counting("e"))
    assert most == 4
    assert len(lines(target)) == 30


@pytest.mark.usefixtures("workspace")
def test_a_killed_batch_goes_on_until_each_row_stands_once(
    endpoint: str, workspace: WorkspaceHandle, files: tuple[Path, Path]
) -> None:
    source, target = files
    source.write_text("".join(f"Say the number {number}.\n" for number in range(200)))
    command = [sys.executable, "-m", "chat", "batch", endpoint, str(source), str(target), "--concurrency", "2"]
    environment = os.environ | {"DATABRICKS_HOST": workspace.host, "DATABRICKS_TOKEN": workspace.token}
    child = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while not target.exists() or target.read_bytes().count(b"\n") < 5:
        assert child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    before = target.read_bytes().count(b"\n")
    done = subprocess.run([*command, "--resume"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    keys = [line["custom_id"] for line in lines(target)]
    assert sorted(keys) == sorted(f"line-{number}" for number in range(1, 201))
    assert f"{before} kept" in done.stderr


def test_an_endpoint_called_batch_can_still_be_asked(
    replies: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    replies.reply(OK)
    assert run(["--", "batch", "hi"]) == 0
    assert capsys.readouterr().out == "hello\n"
    assert replies.requests[0][0] == "/serving-endpoints/batch/invocations"


def test_inside_an_event_loop_it_says_what_to_write_instead(tmp_path: Path) -> None:
    async def cell_of_a_notebook() -> None:
        batch("my-chat", tmp_path / "in.jsonl", tmp_path / "out.jsonl")

    with pytest.raises(errors.InvalidRequestError) as raised:
        asyncio.run(cell_of_a_notebook())
    assert "abatch" in str(raised.value.remedy)
