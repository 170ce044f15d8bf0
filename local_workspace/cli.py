"""The command line: `serve`."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from local_workspace.settings import Behaviour, Settings
from local_workspace.state_folder import StateFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_workspace.faults import Fault


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run a Databricks workspace on localhost."""


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address to listen on.")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="0: any that is free.")
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="Folder that keeps the workspace.")
@click.option("--latency", default=0.0, type=click.FloatRange(0), metavar="MS", help="Added to every answer.")
@click.option("--faults", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="JSON file of faults.")
@click.option("--upstreams", type=click.Choice(["simulated", "live"]), default="simulated", show_default=True)
@click.option("--allow-upstream", multiple=True, metavar="HOST", help="Host that external models may call.")
@click.option("--simulated-key", help="The only key that simulated providers take.")
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
    upstreams: Any,  # noqa: ANN401 - click has checked the choice
    allow_upstream: tuple[str, ...],
    simulated_key: str | None,
    deploy_seconds: float,
    switches: tuple[str, ...],
) -> None:
    """Serve until interrupted.

    The first line on stdout says where, as soon as requests are answered:
    {"host": "http://127.0.0.1:PORT", "token": "…"}. Without --state, all is gone at the end.
    """
    if not _is_loopback(host):
        raise click.BadParameter("the workspace listens on loopback alone", param_hint="--host")
    try:
        behaviour = Behaviour.parse(switches)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--behaviour") from error
    settings = Settings(
        behaviour=behaviour,
        deploy_seconds=deploy_seconds,
        latency_ms=latency,
        upstreams=upstreams,
        allow_upstream=allow_upstream,
        simulated_key=simulated_key,
    )
    armed, seed = _read_faults(faults) if faults is not None else ([], None)
    _serve(settings, host=host, port=port, state=state, armed=armed, seed=seed)


def _serve(
    settings: Settings, *, host: str, port: int, state: Path | None, armed: list[Fault], seed: int | None
) -> None:
    from local_workspace.running import running  # noqa: PLC0415 - `--help` needs none of this
    from local_workspace.server import listen  # noqa: PLC0415

    with _folder(state) as folder:
        try:
            listening = listen(port, host=host)
        except OSError as error:
            raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from error
        # A service manager's SIGTERM ends it as Ctrl-C does: in order, with exit code 0.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        database = None if folder is None else folder.database
        with contextlib.suppress(KeyboardInterrupt), running(listening, database=database, settings=settings) as served:
            served.workspaces.default.faults.arm(armed, seed=seed)
            if folder is not None:
                folder.announce(served.address)
            click.echo(served.address.to_json())
            threading.Event().wait()


@contextlib.contextmanager
def _folder(state: Path | None) -> Iterator[StateFolder | None]:
    if state is None:
        yield None
        return
    try:
        folder = StateFolder(state)
    except OSError as error:
        raise click.ClickException(f"cannot use {state}: {error.strerror}") from error
    with folder:
        if not folder.take():
            raise click.ClickException(f"{state} is in use: another process serves it")
        yield folder


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_faults(path: Path) -> tuple[list[Fault], int | None]:
    from local_workspace.errors import ApiError  # noqa: PLC0415 - only with --faults
    from local_workspace.faults import parse_faults  # noqa: PLC0415

    try:
        document = json.loads(path.read_text())
        if not isinstance(document, dict):
            raise click.ClickException(f"{path}: expected an object with faults")
        return parse_faults(document.get("faults")), document.get("seed")
    except ValueError as error:
        raise click.ClickException(f"{path}: no valid JSON: {error}") from error
    except ApiError as error:
        raise click.ClickException(f"{path}: {error.message}") from error
