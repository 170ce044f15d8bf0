"""The command line: flags in, a use case called, an exit code out. The only place that prints, asks or exits.

What belongs here: a module for each command, by its name; the flags they share; and what a user sees of errors,
plans and progress. Exit codes: 0 done or nothing to do, 1 error, 2 changes pending (`plan --detailed-exitcode`),
3 blocked by a guard, 4 applied but not ready in time, 5 applied in part, 130 interrupted.

What may never happen here: a decision about a workspace; anything but the result on stdout; a traceback for bad
input; an import of the SDK before a workspace is contacted (`--help` and `validate` stay fast, for which a command's
module is imported when it is asked for).
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

import click

from provisioning.cli import terminal
from provisioning.cli.screen import STDERR
from provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED = 130

_COLLECTED_AFTER = 100_000
"""New objects after which garbage is looked for; Python's own 700 is for programs that stay."""

_COMMANDS = (
    "apply",
    "destroy",
    "disown",
    "doctor",
    "export",
    "graph",
    "init",
    "plan",
    "rotate",
    "schema",
    "secrets",
    "status",
    "validate",
    "wait",
)


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    # a command lives for moments, and what it reads it keeps: looking for garbage all along is a tenth of `validate`
    gc.set_threshold(_COLLECTED_AFTER)
    code = run(sys.argv[1:])
    if code == _INTERRUPTED:
        # after a second Ctrl-C calls are still in flight, and leaving the usual way would wait for their threads
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: what follows the program's name.

    Returns:
        The exit code.
    """
    try:
        code = commands.main(args=list(arguments), prog_name="python -m provisioning", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        terminal.say_error("interrupted before anything was written", remedy="run it again")
        return _INTERRUPTED
    except click.ClickException as error:
        error.show()
        return 1  # click's own 2 would read as "changes pending"
    except ProvisioningError as error:
        terminal.show_error(error)
        return error.exit_code
    except BrokenPipeError:
        # whoever read our output is gone: stdout must not complain of it again when it is closed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # the process's boundary: a bug ends in a sentence, not in a traceback
        if os.environ.get("PROVISIONING_DEBUG"):
            raise
        terminal.say_error(
            f"internal error: {type(error).__name__}", remedy="PROVISIONING_DEBUG=1 shows where; please report it"
        )
        return 1
    finally:
        STDERR.close()
    return code if isinstance(code, int) else 0


class _Commands(click.Group):
    """The commands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command of that name."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(import_module(f"provisioning.cli.{cmd_name}"), cmd_name)
        return command if isinstance(command, click.Command) else None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="gatewright", prog_name="gatewright")
def commands() -> None:
    """Make a Databricks workspace hold the secret scopes and serving endpoints that a folder of YAML declares."""
