"""The flags that commands share, gathered in values before a command sees them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provisioning.cli.views import VIEWS, View
from provisioning.errors import ProvisioningError
from provisioning.planning.circumstances import Options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FORMS: Mapping[str, tuple[str, ...]] = {
    "validate": ("text", "json", "jsonl", "github"),
    "plan": ("text", "json", "jsonl", "markdown", "github"),
    "apply": ("text", "json", "jsonl", "github"),
    "destroy": ("text", "json", "jsonl", "github"),
    "export": ("text",),
    "graph": ("text",),
    "rotate": ("text", "json", "jsonl", "github"),
    "wait": ("text", "json", "jsonl", "github"),
}
"""What `--format` takes besides `text` and `json`, by command."""


@dataclass(frozen=True)
class Place:
    """What to read, and where to apply it: the flags that commands share.

    Attributes:
        configs: folders and files.
        target: the target's name; None for the default one.
        variables: `name=value`, as given.
        view: how what is found is shown, by `--format`.
        strict: whether warnings are errors.
        local: whether to use the embedded workspace.
        state: the embedded workspace's folder.
        allowed: the programs that `command` sources may run.
        select: the part of the configs that is meant; empty for all.
    """

    configs: tuple[Path, ...]
    target: str | None
    variables: tuple[str, ...]
    view: View
    strict: bool
    local: bool = False
    state: Path | None = None
    allowed: tuple[str, ...] = ()
    select: tuple[str, ...] = ()


def reading(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the flags that say what to read, gathered in a `Place`."""
    forms = _FORMS.get(command.__name__, ("text", "json"))

    @click.argument("configs", nargs=-1, type=click.Path(path_type=Path))
    @click.option("-t", "--target", help="The target to use; the configs' default one otherwise.")
    @click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="A variable's value.")
    @click.option("--format", "form", type=click.Choice(forms), default="text", help="What stdout carries.")
    @click.option("--strict", is_flag=True, help="Take warnings for errors.")
    @functools.wraps(command)
    def gathered(form: str, **flags: Any) -> int:  # noqa: ANN401 - click's own
        names = set(Place.__dataclass_fields__)
        view = VIEWS[form]()
        place = Place(view=view, **{name: value for name, value in flags.items() if name in names})
        try:
            return command(place, **{name: value for name, value in flags.items() if name not in names})
        except ProvisioningError as error:
            view.failed(error)
            raise

    return gathered


def contacting(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the flags that say which workspace is meant, besides those of `reading`."""
    command = click.option("--allow-command", "allowed", multiple=True, metavar="NAME", help="A program to run.")(
        command
    )
    state = click.Path(path_type=Path, file_okay=False)
    command = click.option("--state", type=state, help="The embedded workspace's folder.")(command)
    return click.option("--local", is_flag=True, help="Use the embedded workspace: no account, no network.")(command)


def selecting(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the flag that chooses a part of the configs."""
    text = "Only this resource, by its key, name or address, and what it depends on. May be repeated."
    return click.option("--select", multiple=True, metavar="KEY|ADDRESS", help=text)(command)


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
