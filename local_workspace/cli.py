"""The command line: `serve`, `upstream`, `tables`, `parity`, and `verify`."""

from __future__ import annotations

import gc
import json
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from local_workspace import registries
from local_workspace.errors import ApiError, ListenError, UnusableStateError
from local_workspace.settings import Behaviour, Settings
from local_workspace.state_folder import Address

if TYPE_CHECKING:
    from local_workspace.faults import Fault
    from local_workspace.local import LocalWorkspace

_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run a Databricks workspace on localhost."""


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address to listen on.")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="0: any that is free.")
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="Folder that keeps the workspace.")
@click.option("--latency", default=0.0, type=click.FloatRange(0), metavar="MS", help="Added to every answer.")
@click.option("--faults", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="JSON file of faults.")
@click.option(
    "--model",
    type=click.Choice(["builtin", "local"]),
    default="builtin",
    show_default=True,
    help="What answers pay-per-token chat endpoints; local: a real small model (extra local-llm).",
)
@click.option("--upstreams", type=click.Choice(["simulated", "live"]), default="simulated", show_default=True)
@click.option("--allow-upstream", multiple=True, metavar="HOST", help="Host that external models may call.")
@click.option(
    "--upstream-url",
    "upstream_urls",
    multiple=True,
    metavar="PROVIDER=URL",
    callback=lambda _context, _option, given: tuple(_provider_url(each) for each in given),
    help="Where a provider is, if not at its public host.",
)
@click.option("--simulated-key", help="The only key that simulated providers take.")
@click.option(
    "--registry", metavar="URI", help="MLflow registry of custom models; default: the environment's, if local."
)
@click.option("--deploy-seconds", default=Settings.deploy_seconds, show_default=True, type=click.FloatRange(0))
@click.option(
    "--behaviour",
    "switches",
    multiple=True,
    metavar="NAME=VALUE",
    help="Where the real API is uncertain; see the docs.",
)
def serve(
    *,
    host: str,
    port: int,
    state: Path | None,
    latency: float,
    faults: Path | None,
    model: Any,  # noqa: ANN401 - click has checked the choice
    upstreams: Any,  # noqa: ANN401 - click has checked the choice
    allow_upstream: tuple[str, ...],
    upstream_urls: tuple[tuple[str, str], ...],
    simulated_key: str | None,
    registry: str | None,
    deploy_seconds: float,
    switches: tuple[str, ...],
) -> None:
    """Serve until interrupted.

    The first line on stdout says where, as soon as requests are answered:
    {"host": "http://127.0.0.1:PORT", "token": "…"}. Without --state, all is gone at the end.
    """
    try:
        settings = Settings(
            behaviour=Behaviour.parse(switches),
            deploy_seconds=deploy_seconds,
            latency_ms=latency,
            model=model,
            upstreams=upstreams,
            allow_upstream=allow_upstream,
            upstream_urls=upstream_urls,
            simulated_key=simulated_key,
            registry=registry or registries.of_environment(),
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if model == "local":
        _check_local_model()
    armed, seed = _read_faults(faults) if faults is not None else ([], None)
    # A service manager's SIGTERM is no failure; Ctrl-C exits as everywhere.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with _started(settings, host=host, port=port, state=state) as workspace:
            workspace.faults.arm(armed, seed=seed)
            click.echo(Address(workspace.host, workspace.token).to_json())
            click.echo(f"Look at it in a browser: {workspace.page}", err=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


@cli.command()
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="0: any that is free.")
@click.option(
    "--key-file",
    type=click.File(),
    metavar="FILE",
    help="File with the key to check, - for stdin; else one is made up.",
)
def upstream(*, port: int, key_file: TextIO | None) -> None:
    """Serve a real small model as an OpenAI-compatible provider, until interrupted.

    The first line on stdout says where, as soon as it answers, and with which key:
    {"openai_api_base": "http://127.0.0.1:PORT/v1", "openai_api_key": "…"}. It takes the extra local-llm.
    """
    from local_workspace.upstreams.local_model import command, installed, process  # noqa: PLC0415 - as in `tables`

    key = None if key_file is None else key_file.read().strip()
    if key is not None and (not key or "," in key):  # llama.cpp takes a comma for the end of one of several keys
        raise click.UsageError("the key file must hold one key, and a key no comma")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        command.serve(port=port, key=key, say=click.echo)
    except installed.NotInstalledError as error:
        raise click.ClickException(str(error)) from error
    except process.ModelFailedError as error:
        raise click.ClickException(f"the local model: {error}") from error
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


@cli.command()
@click.argument("name", required=False)
@click.option(
    "--state",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder that keeps the workspace.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A .parquet or .jsonl file to write.")
def tables(*, name: str | None, state: Path, out: Path | None) -> None:
    """List what calls left in tables, or print the table NAME as JSON lines.

    Endpoints write them down whose AI gateway tracks usage or has an inference table. The workspace may be running.
    """
    from local_workspace.reading import WriteError, kept_tables, write_table  # noqa: PLC0415 - `--help` needs none

    if out is not None and name is None:
        raise click.UsageError("--out writes one table: name it")
    try:
        with kept_tables(state) as kept:
            if name is None:
                click.echo("".join(f"{each}\n" for each in kept.names()), nl=False)
            elif out is not None:
                write_table(kept.rows(name), out)
            else:
                for row in kept.rows(name):
                    click.echo(json.dumps(row, ensure_ascii=False))
    except ApiError as error:
        raise click.ClickException(error.message) from error
    except (UnusableStateError, WriteError) as error:
        raise click.ClickException(str(error)) from error


@cli.command()
@click.option("--tests", default="tests", show_default=True, type=click.Path(path_type=Path, file_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The page to write; else it is printed.")
def parity(*, tests: Path, out: Path | None) -> None:
    """Make the parity ledger: each rule and route, how sure it is, and the test that witnesses it.

    Run it in the project's folder: witnesses are read from its tests, which are not installed. Exits 1 if a rule or
    a route has none, or a test witnesses what there is not.
    """
    from local_workspace.parity import ledger, page, witnesses  # noqa: PLC0415 - `--help` needs none of this

    if not tests.is_dir():
        raise click.UsageError(f"no folder {tests}: run this in the project's folder, or say --tests DIR")
    try:
        read = ledger.read(tests)
        text = page.render(read)
        if out is None:
            click.echo(text, nl=False)
        else:
            out.write_text(text, encoding="utf-8")
    except witnesses.WitnessError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"cannot write {out}: {error.strerror}") from error
    problems = read.problems()
    if problems:
        raise click.ClickException("\n".join(problems))


@cli.command()
@click.option("--host", required=True, metavar="URL", help="The workspace to ask; no other is sent anything.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with a token for it, - for stdin; else DATABRICKS_TOKEN, if DATABRICKS_HOST is this host.",
)
@click.option("--run", is_flag=True, help="Ask. Without it, what would be asked is shown and nothing is sent.")
@click.option("--only", multiple=True, metavar="CHECK", help="Run this check and no other.")
@click.option("--also", multiple=True, metavar="CHECK", help="Run this check too, which is reserved.")
@click.option("--max-calls", default=300, show_default=True, type=click.IntRange(1))
@click.option("--timeout", default=900.0, show_default=True, type=click.FloatRange(1), metavar="SECONDS")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File for the masked answers.")
def verify(
    *,
    host: str,
    token_file: Path | None,
    run: bool,
    only: tuple[str, ...],
    also: tuple[str, ...],
    max_calls: int,
    timeout: float,
    out: Path | None,
) -> None:
    """Ask a real workspace what no public source settles, and whether the ledger's rules hold there.

    It makes scopes and endpoints under a prefix of its own and removes them at the end, also after Ctrl-C.
    """
    from local_workspace.verify.command import run_command  # noqa: PLC0415 - `--help` needs none of this

    sys.exit(
        run_command(
            host, token_file=token_file, run=run, only=only, also=also, calls=max_calls, seconds=timeout, out=out
        )
    )


def _provider_url(given: str) -> tuple[str, str]:
    provider, _, url = given.partition("=")
    if not provider or not url:
        raise click.BadParameter(f"'{given}' is not PROVIDER=URL, as anthropic=http://127.0.0.1:9000")
    return provider, url


def _started(settings: Settings, *, host: str, port: int, state: Path | None) -> LocalWorkspace:
    # What is loaded here stays: looking for garbage in it is a tenth of the start, and of what the server does later.
    gc.disable()
    from local_workspace.local import LocalWorkspace  # noqa: PLC0415 - `--help` needs none of this
    from local_workspace.server import allow_connections  # noqa: PLC0415 - as above

    gc.freeze()
    gc.enable()
    allow_connections()
    try:
        return LocalWorkspace(state=state, port=port, bind=host, settings=settings)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--host'") from error
    except (UnusableStateError, ListenError) as error:
        raise click.ClickException(str(error)) from error


def _check_local_model() -> None:
    from local_workspace.upstreams.local_model import installed  # noqa: PLC0415 - only with --model local

    try:
        installed.find()
    except installed.NotInstalledError as error:
        raise click.ClickException(str(error)) from error


def _read_faults(path: Path) -> tuple[list[Fault], int | None]:
    from local_workspace.faults import parse_arming  # noqa: PLC0415 - only with --faults

    try:
        return parse_arming(json.loads(path.read_text()))
    except OSError as error:
        raise click.ClickException(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"{path}: no valid JSON: {error}") from error
    except ApiError as error:
        raise click.ClickException(f"{path}: {error.message}") from error
