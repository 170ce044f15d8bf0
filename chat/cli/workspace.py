"""Which workspace a command talks to, and how long it waits for it: what all commands have in common."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chat.errors import AuthError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def local_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --local, --state and --wait to a command."""
    for option in (
        click.option(
            "--wait", type=click.FloatRange(0), default=0, metavar="SECONDS", help="Wait until the endpoint is ready."
        ),
        click.option(
            "--state", type=click.Path(path_type=Path, file_okay=False), help="The embedded workspace's folder."
        ),
        click.option("--local", is_flag=True, help="Talk to the embedded workspace on this machine; needs no account."),
    ):
        command = option(command)
    return command


@contextlib.contextmanager
def workspace_of(*, local: bool, state: Path | None) -> Iterator[tuple[str | None, str | None]]:
    """Yield the host and token of the embedded workspace, or nothing, for the environment's."""
    if state is not None and not local:
        raise click.UsageError("--state is the folder of --local")
    if not local:
        yield None, None
        return
    from local_workspace.embedded import open_embedded  # noqa: PLC0415 - only --local needs it

    with contextlib.ExitStack() as stack:
        try:
            embedded = stack.enter_context(open_embedded(state))
        except (OSError, TimeoutError) as error:
            raise AuthError(f"The embedded workspace did not start: {error}", remedy="Name another --state.") from error
        yield embedded.host, embedded.token
