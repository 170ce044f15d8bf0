"""A secret that a program prints: a vault's own client.

Configs are reviewed, but they come from a repository: no program runs that the person or pipeline at hand did not
allow by name, none sees the workspace's credentials or the other secrets, and no shell reads the arguments.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from provisioning.errors import SecretSourceError
from provisioning.model.inert import inert
from provisioning.secret_sources.decoding import text_of

if TYPE_CHECKING:
    from provisioning.model.secret import CommandSource
    from provisioning.secret_sources.place import Place

ALLOW_VARIABLE: Final = "PROVISIONING_ALLOW_COMMANDS"
"""The environment variable that lists the programs which may run, separated by commas."""

_SECONDS: Final = 60.0
_LONGEST_COMPLAINT: Final = 300
_CREDENTIAL_PREFIXES: Final = ("DATABRICKS_", "BUNDLE_VAR_", "ARM_CLIENT_SECRET")
"""What the SDK logs in to the workspace with; BUNDLE_VAR_ may hold anything that configs are given."""


def read(source: CommandSource, place: Place) -> str:
    """Run the program and return what it prints."""
    name = source.command[0]
    listed = place.environ.get(ALLOW_VARIABLE, "").split(",")
    if name not in place.allowed | {each.strip() for each in listed if each.strip()}:
        raise SecretSourceError(
            f"{source} may not run: configs start only programs that you allow",
            position=place.position,
            remedy=f"allow it by --allow-command {name}, or {ALLOW_VARIABLE}={name}",
        )
    program = shutil.which(name, path=place.environ.get("PATH"))
    if program is None:
        raise SecretSourceError(
            f"{source} was not found", position=place.position, remedy=f"install {name}, or add its folder to PATH"
        )
    environment = {
        variable: value
        for variable, value in place.environ.items()
        if variable not in place.hidden and not variable.startswith(_CREDENTIAL_PREFIXES)
    }
    done = _run([program, *source.command[1:]], environment, place)
    if isinstance(done, str):
        raise SecretSourceError(f"{source} {done}", position=place.position)
    if done.returncode != 0:
        raise SecretSourceError(
            f"{source} failed with exit code {done.returncode}{_complaint(done)}",
            position=place.position,
            remedy="run the command by hand to see why; are you signed in?",
        )
    text = text_of(done.stdout)
    if text is None:
        raise SecretSourceError(f"{source} did not print utf-8 text", position=place.position)
    return text


def _run(command: list[str], environment: dict[str, str], place: Place) -> subprocess.CompletedProcess[bytes] | str:
    """Run a program, or say what became of it: subprocess's exceptions carry its arguments and output."""
    try:
        return subprocess.run(  # noqa: S603 - allowed by name; a list of arguments, no shell
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd=place.folder,
            env=environment,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {_SECONDS:.0f} s"
    except OSError as error:
        return f"could not be started: {error.strerror}"


def _complaint(done: subprocess.CompletedProcess[bytes]) -> str:
    """Quote what the program said of its failure, unless it printed something: that may be the value."""
    said = inert(done.stderr.decode("utf-8", errors="replace").strip(), limit=_LONGEST_COMPLAINT)
    return f": {said}" if said and not done.stdout.strip() else ""
