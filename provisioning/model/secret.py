"""Where a secret's value comes from. A source is a place, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field, WrapValidator

from provisioning.model.base import Model
from provisioning.model.rules import Finding, did_you_mean, finding_error

if TYPE_CHECKING:
    from pydantic_core import PydanticCustomError

_Text: TypeAlias = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""Text that the operating system takes as a name: it has no NUL."""


class Source(Model):
    """What every source that is written has in common."""

    version: int | None = None
    """Raise it to have the value written again where whether it differs cannot be told."""
    rotation: Literal["in_place", "versioned"] | None = None
    """Where another value goes: `in_place` (the default) over the one before; `versioned` under a key of its own
    (`KEY.v2`, `KEY.v3`), to which the endpoints are pointed; `secrets gc` removes the keys before it."""


class EnvSource(Source):
    """An environment variable."""

    env: _Text = Field(min_length=1)
    """The variable's name; unset, empty and blank mean the same: there is no value."""

    def __str__(self) -> str:
        return f"env {self.env}"


class FileSource(Source):
    """A file, whole."""

    file: _Text = Field(min_length=1)
    """The file's path, relative to the config file that names it; it may lie outside of the configs' folder."""
    encoding: Literal["utf-8", "base64"] | None = None
    """`utf-8` (the default) for text; `base64` for a file that holds the value in base64."""

    def __str__(self) -> str:
        return f"file {self.file}"


class DotenvSource(Source):
    """A line of a .env file."""

    dotenv: _Text = Field(min_length=1)
    """The .env file's path, relative to the config file that names it."""
    key: _Text = Field(min_length=1)
    """The name on the left of the `=`."""

    def __str__(self) -> str:
        return f"dotenv {self.dotenv} {self.key}"


class CommandSource(Source):
    """What a program prints: the client of 1Password, Vault, AWS, Azure or Google Cloud."""

    command: tuple[_Text, ...] = Field(min_length=1)
    """The program and its arguments. No shell reads them; the program must be allowed by name
    (PROVISIONING_ALLOW_COMMANDS or `--allow-command`)."""

    def __str__(self) -> str:
        # The arguments say where a secret lies, and somebody may have put a token among them.
        return f"command {self.command[0]}"


class KeyringSource(Source):
    """The operating system's keyring."""

    keyring: _Text = Field(min_length=1)
    """The service under which the keyring keeps it."""
    user: _Text = Field(min_length=1)
    """The user name under which the keyring keeps it."""

    def __str__(self) -> str:
        return f"keyring {self.keyring} {self.user}"


class StdinSource(Source):
    """The standard input, whole; at most one secret of an apply can come from there."""

    stdin: Literal[True]
    """`true`."""

    def __str__(self) -> str:
        return "stdin"


class ExternalSource(Model):
    """A secret that somebody else puts and looks after."""

    external: Literal[True]
    """`true`: the key must exist; it is never written or deleted."""

    def __str__(self) -> str:
        return "external"


SOURCES: Mapping[str, type[Model]] = {
    "env": EnvSource,
    "file": FileSource,
    "dotenv": DotenvSource,
    "command": CommandSource,
    "keyring": KeyringSource,
    "stdin": StdinSource,
    "external": ExternalSource,
}
"""Each kind of source, by the key that tells it from the others."""


def _by_its_key(value: object, _handler: object) -> object:
    """Choose the kind by its key: trying every kind would report each one's complaints about the others' fields."""
    if isinstance(value, tuple(SOURCES.values())):
        return value
    if not isinstance(value, Mapping):
        # A value in place of a source is, most likely, the secret itself: say nothing of it.
        raise _no_source("a source is needed, and a secret's value never stands in a config", value={})
    kinds = [kind for kind in SOURCES if kind in value]
    if len(kinds) > 1:
        raise _no_source(f"one source is needed, and there are {' and '.join(kinds)}", value={})
    if not kinds:
        raise _no_source(f"a source is needed, one of {', '.join(SOURCES)}", value=value)
    return SOURCES[kinds[0]].model_validate(value)


def _no_source(message: str, *, value: Mapping[object, object]) -> PydanticCustomError:
    near = next((near for key in value if (near := did_you_mean(str(key), SOURCES))), None)
    remedy = f"did you mean `{near}`?" if near else "say where the value comes from, as in {env: NAME}"
    return finding_error(Finding(message, kind="secret-source", remedy=remedy))


SecretSource: TypeAlias = Annotated[
    EnvSource | FileSource | DotenvSource | CommandSource | KeyringSource | StdinSource | ExternalSource,
    WrapValidator(_by_its_key),
]
"""Any source; a mapping in the config says which by the key it has."""
