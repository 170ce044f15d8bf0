"""The flags that commands share, gathered in values before a command sees them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provisioning.cli.views import View, view_of
from provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_workspace.embedded import Embedded
    from provisioning.cli.turns import Turn
    from provisioning.model.workspace import Desired

_FORMS: Mapping[str, tuple[str, ...]] = {
    "validate": ("text", "json", "jsonl", "github"),
    "plan": ("text", "json", "jsonl", "markdown", "github"),
    "apply": ("text", "json", "jsonl", "github"),
    "destroy": ("text", "json", "jsonl", "github"),
    "export": ("text",),
    "gc": ("text", "json", "jsonl", "github"),
    "graph": ("text",),
    "rotate": ("text", "json", "jsonl", "github"),
    "wait": ("text", "json", "jsonl", "github"),
}
"""What `--format` takes besides `text` and `json`, by command."""


_TELLING_ALL = frozenset({"validate"})
"""Commands that tell of every target in any case: every problem is told in one run."""

_READING_SECRETS = frozenset({"plan", "apply"})
"""Of the commands for several targets, those that read the secrets' sources."""


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
        desired: what the configs say, if they were read already.
        embedded: the embedded workspace, if it is open already.
        turn: this target's turn, where there are several.
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
    desired: Desired | None = None
    embedded: Embedded | None = None
    turn: Turn | None = None


def reading(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the flags that say what to read, gathered in a `Place`."""

    @click.option("-t", "--target", help="The target to use; the configs' default one otherwise.")
    @functools.wraps(command)
    def gathered(form: str, **flags: Any) -> int:  # noqa: ANN401 - click's own
        place, others = _place_of(flags, form=form)
        return _run_one(command, place, others)

    return _configs_flags(gathered)


def reading_each(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the flags that say what to read, and run it for each target that they name."""

    @click.option(
        "-t", "--target", "targets", multiple=True, metavar="NAME[,NAME…]", help="The targets, one after the other."
    )
    @click.option("--keep-going", is_flag=True, help="Of several targets: go on when one fails.")
    @click.option("--parallel-targets", is_flag=True, help="Of several targets: all at the same time.")
    @functools.wraps(command)
    def gathered(
        form: str,
        targets: tuple[str, ...],
        keep_going: bool,  # noqa: FBT001 - click passes by name
        parallel_targets: bool,  # noqa: FBT001 - as above
        **flags: Any,  # noqa: ANN401 - click's own
    ) -> int:
        names = list(dict.fromkeys(name.strip() for each in targets for name in each.split(",")))
        if "" in names:
            raise click.UsageError("--target takes names, separated by commas")
        place, others = _place_of({**flags, "target": names[0] if names else None}, form=form)
        if len(names) <= 1:
            return _run_one(command, place, others)
        from provisioning.cli.several import Manner, run_each  # noqa: PLC0415 - one target needs none of it

        manner = Manner(
            keep_going=keep_going or command.__name__ in _TELLING_ALL,
            parallel=parallel_targets,
            writes="yes" in others,
            asks=others.get("yes") is False,
            reads_values=command.__name__ in _READING_SECRETS,
        )
        return run_each(lambda of: command(of, **others), place, targets=names, form=form, manner=manner)

    return _configs_flags(gathered)


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


def writing(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command that writes the flags for being asked first, and for an account of it afterwards."""
    file = click.Path(path_type=Path, dir_okay=False)
    command = click.option("--record", type=file, help="Append what was done, as JSON lines.")(command)
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(command)


def _configs_flags(command: Callable[..., int]) -> Callable[..., int]:
    forms = _FORMS.get(command.__name__, ("text", "json"))
    command = click.option("--strict", is_flag=True, help="Take warnings for errors.")(command)
    command = click.option("--format", "form", type=click.Choice(forms), default="text", help="What stdout carries.")(
        command
    )
    command = click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="A variable's value.")(
        command
    )
    return click.argument("configs", nargs=-1, type=click.Path(path_type=Path))(command)


def _place_of(flags: Mapping[str, Any], *, form: str) -> tuple[Place, dict[str, Any]]:
    """Return a command's place, and its other flags."""
    names = set(Place.__dataclass_fields__)
    place = Place(view=view_of(form), **{name: value for name, value in flags.items() if name in names})
    return place, {name: value for name, value in flags.items() if name not in names}


def _run_one(command: Callable[..., int], place: Place, flags: Mapping[str, Any]) -> int:
    try:
        return command(place, **flags)
    except ProvisioningError as error:
        place.view.failed(error)
        raise
