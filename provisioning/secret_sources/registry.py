"""Which module reads which kind of source, and what holds for the values of all of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO, Final

from pydantic import SecretStr

from provisioning.errors import SecretSourceError, SourceUnsetError
from provisioning.model.secret import (
    CommandSource,
    DotenvSource,
    EnvSource,
    ExternalSource,
    FileSource,
    KeyringSource,
    SecretSource,
    Source,
    StdinSource,
)
from provisioning.secret_sources import command, dotenv, env, file, keyring, stdin
from provisioning.secret_sources.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from provisioning.errors import Position

LARGEST_VALUE: Final = 128 * 1024
"""Bytes that a secret may have (secrets API, `put`)."""

READERS: Final[Mapping[type[Source], Callable[[Any, Place], str]]] = {
    EnvSource: env.read,
    FileSource: file.read,
    DotenvSource: dotenv.read,
    CommandSource: command.read,
    KeyringSource: keyring.read,
    StdinSource: stdin.read,
}
"""The module for each kind. An external secret has none: its value is nobody's business here."""


def read(
    source: SecretSource,
    *,
    environ: Mapping[str, str],
    position: Position | None = None,
    allowed_commands: frozenset[str] = frozenset(),
    hidden: frozenset[str] = frozenset(),
    standard_input: BinaryIO | None = None,
) -> SecretStr:
    """Read a secret's value.

    One trailing newline is dropped, since files and commands end in one that nobody meant.

    Args:
        source: where the value lies.
        environ: the environment.
        position: where the config declares the source, for errors and relative paths.
        allowed_commands: the programs that a `command` source may run (`--allow-command`), besides those in
            PROVISIONING_ALLOW_COMMANDS.
        hidden: environment variables that a started program must not see: those of the other `env` sources.
        standard_input: where a `stdin` source reads; the process's own by default.

    Raises:
        SourceUnsetError: the source holds nothing: unset, empty or blank.
        SecretSourceError: it could not be read, or what it holds is no secret's value.
    """
    if isinstance(source, ExternalSource):
        raise SecretSourceError("the value of an external secret is not read here", position=position)
    place = Place(
        environ=environ,
        stdin=standard_input or sys.stdin.buffer,
        position=position,
        allowed=allowed_commands,
        hidden=hidden,
    )
    value = _without_newline(READERS[type(source)](source, place))
    if not value.strip():
        raise SourceUnsetError(
            f"{source} holds no value: it is unset, empty or blank", position=position, remedy=_remedy(source)
        )
    if len(value.encode()) > LARGEST_VALUE:
        raise SecretSourceError(
            f"{source} holds more than {LARGEST_VALUE // 1024} KiB, which is what a secret may have",
            position=position,
            remedy="name the source of the key alone",
        )
    return SecretStr(value)


def _without_newline(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def _remedy(source: SecretSource) -> str:
    if isinstance(source, EnvSource):
        return f"set it: export {source.env}=..."
    return "put the value there, or name another source"
