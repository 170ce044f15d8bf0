"""A Databricks workspace on localhost that real clients cannot tell from the real API.

What belongs here: the routes, rules, errors, delays and faults of a workspace's secrets, serving endpoints,
permissions and invocations; the state behind them; the ways to run it (in process, embedded, as a server).

What may never happen here:

- `provisioning` or `chat` is imported: they are tested against this, and shared code would agree with itself;
- an answer is given before the write it promises is on disk;
- a secret's value stands anywhere but in the store's one column, and is sent anywhere but to the host that it
  was configured for;
- anything listens on an address other than loopback;
- an unsupported route answers as if it had worked.

Importing this package loads nothing else: the names below are fetched when first used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_workspace.local import LocalWorkspace
    from local_workspace.settings import Behaviour, Settings

__all__ = ["Behaviour", "LocalWorkspace", "Settings"]

_HOMES = {
    "Behaviour": "local_workspace.settings",
    "LocalWorkspace": "local_workspace.local",
    "Settings": "local_workspace.settings",
}


def __getattr__(name: str) -> object:
    """Fetch an exported name from its module the first time it is asked for (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - lazy on purpose: see the package docstring

    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    """List what the package exports."""
    return sorted(__all__)
