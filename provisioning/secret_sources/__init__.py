"""Read a secret's value from where its config says it lies.

What belongs here: one module a kind of source, each with `read(source, place) -> str`, and the registry below,
which turns what they return into a `SecretStr`.

What may never happen here: a value in a message, a log or an exception (its chained cause included); a value
kept after it is returned; a program started that nobody allowed by name; anything read while configs are merely
validated.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.secret_sources.registry import read

__all__ = ["read"]


def __getattr__(name: str) -> object:
    """Fetch an exported name from its module the first time it is asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from provisioning.secret_sources.registry import read  # noqa: PLC0415 - lazy on purpose: `validate` never reads

    return read


def __dir__() -> list[str]:
    """List what the package exports."""
    return sorted(__all__)
