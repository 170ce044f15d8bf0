"""`python -m chat batch ENDPOINT IN.jsonl OUT.jsonl`."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chat.cli.terminal import note, tell_pause
from chat.cli.workspace import local_options, workspace_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chat.batching import Progress, Summary


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("endpoint")
@click.argument("source", metavar="IN.jsonl", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("target", metavar="OUT.jsonl", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--concurrency", type=click.IntRange(1, 1024), default=16, show_default=True, help="Calls at a time.")
@click.option("--resume", is_flag=True, help="Go on with OUT.jsonl: keep what is answered, ask the rest.")
@click.option("--temperature", type=float, help="Randomness, from 0 to 2, where a row does not say.")
@click.option("--max-tokens", type=click.IntRange(1), help="How long an answer may be, where a row does not say.")
@local_options
def batch(
    *,
    endpoint: str,
    source: Path,
    target: Path,
    concurrency: int,
    resume: bool,
    temperature: float | None,
    max_tokens: int | None,
    local: bool,
    state: Path | None,
    wait: float,
) -> int:
    """Answer every row of IN.jsonl into OUT.jsonl.

    A row is an OpenAI batch request, an object with "prompt" or "messages", or plain text. Stopped, even by a kill, it
    goes on with --resume.
    """
    from chat.aio import AsyncChatClient  # noqa: PLC0415 - `--help` stays fast
    from chat.batching import batch as run_batch  # noqa: PLC0415 - as above

    with workspace_of(local=local, state=state) as (host, token), _bar() as show:
        client = AsyncChatClient(endpoint, host=host, token=token, wait=wait, retry_for=600.0, on_pause=tell_pause)
        summary = run_batch(
            endpoint,
            source,
            target,
            concurrency=concurrency,
            resume=resume,
            client=client,
            on_progress=show,
            temperature=temperature,
            max_tokens=max_tokens,
        )
    _tell(summary, target)
    return 1 if summary.failed else 0


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[Progress], None] | None]:
    """Show a bar while somebody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - only on a terminal
    from rich.progress import Progress as Bar  # noqa: PLC0415 - as above

    with Bar(console=Console(stderr=True)) as bar:
        task = bar.add_task("rows", total=None)
        yield lambda told: bar.update(task, completed=told.done, total=told.rows)


def _tell(summary: Summary, target: Path) -> None:
    usage = summary.usage
    kept = f", {summary.kept} kept from before" if summary.kept else ""
    note(
        f"{summary.answered} of {summary.rows} rows answered, {summary.failed} failed{kept}; "
        f"{usage.prompt_tokens} + {usage.completion_tokens} tokens in {summary.seconds:.1f} s"
    )
    if summary.failed:
        note(f'  next: look for "error" in {target}, then run again with --resume to ask the failed rows again.')
