"""Make a Databricks workspace hold what one folder of YAML says, and nothing by surprise.

What belongs here: reading configs into a `Desired`, reading a workspace into a `Live`, comparing the two
into a `Plan`, carrying that plan out, and saying what happened. Data flows one way:

    config -> Desired -+-> planning -> Plan -> execution -> events -> reporters
    workspace -> Live -+

What may never happen here:

- a secret's value leaves memory: no plan, log, event, exception, traceback, argument list or file holds one;
- something live and not ours is changed or deleted without being named in a flag;
- a package other than `provisioning.workspace` imports `databricks.sdk`;
- `chat` is imported, or `local_workspace` outside of what `--local` needs.

Importing this package loads nothing else: the names below are fetched when first used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.config import load
    from provisioning.readiness import wait_until_ready
    from provisioning.runner import Access, Options, apply, destroy, plan

__all__ = ["Access", "Options", "apply", "destroy", "load", "plan", "wait_until_ready"]

_HOMES = {
    "Access": "provisioning.runner",
    "Options": "provisioning.runner",
    "apply": "provisioning.runner",
    "destroy": "provisioning.runner",
    "load": "provisioning.config",
    "plan": "provisioning.runner",
    "wait_until_ready": "provisioning.readiness",
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
