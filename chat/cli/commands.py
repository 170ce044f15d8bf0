"""`python -m chat ENDPOINT [PROMPT]`."""

from __future__ import annotations

import base64
import json
import mimetypes
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chat.cli.session import Session
from chat.cli.terminal import Progress, note, show, show_calls, tell_pause
from chat.cli.workspace import local_options, workspace_of
from chat.client import ChatClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chat.messages import Answer

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("endpoint")
@click.argument("prompt", required=False)
@local_options
@click.option("--system", metavar="TEXT", help="Instructions that come before the conversation.")
@click.option("--no-stream", is_flag=True, help="Print the answer when it is complete.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as one JSON object, with its usage.")
@click.option("--temperature", type=float, help="Randomness, from 0 to 2.")
@click.option("--max-tokens", type=click.IntRange(1), help="How long the answer may be.")
@click.option("--image", "images", type=_FILE, multiple=True, help="Send an image along; may be repeated.")
@click.option("--json-schema", type=_FILE, help="Answer in the shape of the JSON schema in this file.")
@click.option("--tools", type=_FILE, help="Offer the tools in this file: a JSON list in the API's shape.")
def ask(
    *,
    endpoint: str,
    prompt: str | None,
    local: bool,
    state: Path | None,
    wait: float,
    system: str | None,
    no_stream: bool,
    as_json: bool,
    temperature: float | None,
    max_tokens: int | None,
    images: tuple[Path, ...],
    json_schema: Path | None,
    tools: Path | None,
) -> None:
    """Ask a serving endpoint and print its answer as it comes.

    Without PROMPT it is read from stdin; on a terminal, a conversation begins (/help lists its commands).

    The workspace is DATABRICKS_HOST with DATABRICKS_TOKEN, or what the Databricks SDK finds.

    `batch ENDPOINT IN.jsonl OUT.jsonl` answers a file of prompts; an endpoint of that name is asked by
    `-- batch PROMPT`.
    """
    params: dict[str, Any] = {"temperature": temperature, "max_tokens": max_tokens}
    if json_schema is not None:
        params["response_format"] = _response_format(json_schema)
    if tools is not None:
        params["tools"] = _read_json(tools, list)
    with workspace_of(local=local, state=state) as where, _client(endpoint, where, wait) as client:
        if prompt is None and sys.stdin.isatty():
            if as_json:
                raise click.UsageError("--json needs a PROMPT")
            Session(client, system=system, params=params).run()
            return
        text = sys.stdin.read() if prompt is None or prompt == "-" else prompt
        if not text.strip():
            raise click.UsageError("the PROMPT is empty")
        messages = [*([{"role": "system", "content": system}] if system else []), _user(text, images)]
        if as_json or no_stream:
            answer = client.invoke(messages, **params)
            _print_whole(answer, as_json=as_json)
        else:
            answer = _print_stream(client, messages, params)
        if answer.finish_reason == "length":
            note("The answer was cut at its longest: raise --max-tokens.")


def _print_stream(client: ChatClient, messages: list[dict[str, Any]], params: Mapping[str, Any]) -> Answer:
    """Print an answer as it comes; a line break ends it also when it breaks off."""
    begun = False
    try:
        with client.stream(messages, **params) as stream:
            for chunk in stream:
                if chunk.text and chunk.index == 0:
                    show(chunk.text)
                    begun = True
            answer = stream.answer
    finally:
        if begun:
            show("\n")
    if answer is None:
        raise AssertionError("a stream that is over has its answer")
    show_calls(answer)
    return answer


def _print_whole(answer: Answer, *, as_json: bool) -> None:
    if not as_json:
        show(f"{answer.text}\n" if answer.text else "")
        show_calls(answer)
        return
    told = {
        "text": answer.text,
        "reasoning": answer.reasoning,
        "tool_calls": [asdict(call) for call in answer.tool_calls],
        "finish_reason": answer.finish_reason,
        "model": answer.model,
        "id": answer.id,
        "usage": asdict(answer.usage) if answer.usage is not None else None,
        "metadata": dict(answer.metadata),
    }
    # ASCII: no character in it can drive a terminal.
    show(f"{json.dumps(told)}\n")


def _client(endpoint: str, where: tuple[str | None, str | None], wait: float) -> ChatClient:
    host, token = where
    return ChatClient(endpoint, host=host, token=token, wait=wait, on_poll=Progress(endpoint), on_pause=tell_pause)


def _user(text: str, images: tuple[Path, ...]) -> dict[str, Any]:
    if not images:
        return {"role": "user", "content": text}
    return {"role": "user", "content": [{"type": "text", "text": text}, *map(_image, images)]}


def _image(file: Path) -> dict[str, Any]:
    kind = mimetypes.guess_type(file.name)[0] or ""
    if not kind.startswith("image/"):
        raise click.BadParameter(f"{file} is no image (its name does not end like one)", param_hint="--image")
    data = base64.b64encode(file.read_bytes()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{data}"}}


def _response_format(file: Path) -> dict[str, Any]:
    schema = _read_json(file, dict)
    name = "".join(each if each.isalnum() or each in "_-" else "_" for each in str(schema.get("title") or file.stem))
    return {"type": "json_schema", "json_schema": {"name": name[:64], "schema": schema, "strict": True}}


def _read_json(file: Path, kind: type[Any]) -> Any:  # noqa: ANN401 - JSON
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.UsageError(f"{file} is no JSON: {error}") from error
    if not isinstance(value, kind):
        raise click.UsageError(f"{file} must hold a JSON {'list' if kind is list else 'object'}")
    return value
