"""From YAML to `Desired`: bundle files in, frozen models out, every problem found in one run.

What belongs here: finding and reading config files, YAML with positions, variables, targets, references, the
checks that need no workspace, and the JSON Schema derived from the models.

What may never happen here: a network call, an import of databricks or of a secret source, a secret's value read
from where it lies, a command run, a problem reported without its place, or a construct that changes meaning
passed over in silence.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.config.loader import load

__all__ = ["load"]


def __getattr__(name: str) -> object:
    """Fetch an exported name from its module the first time it is asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from provisioning.config.loader import load  # noqa: PLC0415 - lazy on purpose: PyYAML is loaded by who loads

    return load


def __dir__() -> list[str]:
    """List what the package exports."""
    return sorted(__all__)
