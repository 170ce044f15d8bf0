"""From an argument list to an exit code: the one place where an error becomes a message."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import click

from chat.cli.terminal import complain, note
from chat.errors import ChatError, NotReadyError

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOT_READY = 4
_INTERRUPTED = 130


def run(arguments: Sequence[str]) -> int:
    """Run the command line.

    Args:
        arguments: what stands behind the program's name.

    Returns:
        The exit code.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = lambda message, *_, **__: note(str(message))
            result = _run(list(arguments))
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        note("interrupted")
        return _INTERRUPTED
    except ChatError as error:
        complain(error)
        return _NOT_READY if isinstance(error, NotReadyError) else 1
    return result if isinstance(result, int) else 0


def _run(arguments: list[str]) -> object:
    """Run the command that the first word names; `--` before it says that it is an endpoint's name after all."""
    if arguments[:1] == ["batch"]:
        from chat.cli.batch import batch  # noqa: PLC0415 - a conversation needs none of it

        return batch.main(args=arguments[1:], prog_name="python -m chat batch", standalone_mode=False)
    from chat.cli.commands import ask  # noqa: PLC0415 - loads the client

    return ask.main(args=arguments, prog_name="python -m chat", standalone_mode=False)
