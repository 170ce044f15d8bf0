"""The flags that open guards: what a plan may contain besides what is harmless."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from provisioning.planning.circumstances import Options

if TYPE_CHECKING:
    from collections.abc import Callable


def changing(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the flags that open guards, gathered in `options`."""
    names = {
        "adopt": "Take over what is live and belongs to no set.",
        "prune": "Delete what the set owns and the configs no longer name.",
        "allow_destructive": "Replace endpoints, delete scopes, prune a large share.",
        "allow_widening": "Send a secret elsewhere, or give more people access.",
        "write_unknown_secrets": "Write secrets of which it cannot be told whether they differ.",
        "overwrite_outside_changes": "In production mode, put back what was changed outside.",
        "compare_values": "Fetch secrets' live values and compare those; they are shown nowhere.",
    }

    @functools.wraps(command)
    def gathered(*arguments: Any, **flags: Any) -> int:  # noqa: ANN401 - click's own
        options = Options(**{name: flags.pop(name) for name in names}, hash_tag=not flags.pop("no_hash_tag"))
        return command(*arguments, options=options, **flags)

    text = "Keep what the configs say out of the endpoints' tags; outside changes cannot be told from edits then."
    gathered = click.option("--no-hash-tag", is_flag=True, help=text)(gathered)

    for name, text in reversed(names.items()):
        gathered = click.option(f"--{name.replace('_', '-')}", is_flag=True, help=text)(gathered)
    return gathered
