"""From flags to the configs they name and the workspace they mean."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import SecretStr

from provisioning.cli.terminal import patience
from provisioning.config.git import git_facts
from provisioning.errors import ConfigError, ProvisioningError
from provisioning.model.workspace import Desired, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_workspace.embedded import Embedded
    from provisioning.cli.flags import Place
    from provisioning.model.api_call import ApiCall
    from provisioning.model.provenance import Provenance
    from provisioning.session import Access

DEFAULT_CONFIGS = Path("configs")
"""What CONFIGS means where nothing is named."""


def configs_of(place: Place) -> Desired:
    """Read the configs, unless that was done; notes and warnings go to stderr."""
    if place.desired is not None:
        return place.desired
    from provisioning.config import load  # noqa: PLC0415 - --help needs no YAML

    variables = dict(_variable(each) for each in place.variables)
    desired = load(place.configs or (DEFAULT_CONFIGS,), target=place.target, variables=variables)
    if place.strict and any(each.severity == "warning" for each in desired.notes):
        raise ConfigError(desired.notes)
    place.view.notes(desired.notes)
    return desired


def _variable(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals or not name:
        raise click.UsageError("--var takes NAME=VALUE")  # what was given is not repeated: it may be a secret
    return name, value


@contextlib.contextmanager
def workspace_of(
    place: Place, *, configs_needed: bool = True, on_call: Callable[[ApiCall], None] = lambda _call: None
) -> Iterator[tuple[Desired, Access]]:
    """Read the configs and say which workspace to use; with --local, keep the embedded one open meanwhile.

    Args:
        place: the flags.
        configs_needed: whether there must be configs; if not, and none are named or there, the `Desired` has no
            set's name.
        on_call: told of each call to the workspace that ended.
    """
    _check_state(place)
    wanted = configs_needed or place.configs or place.target or DEFAULT_CONFIGS.exists()
    desired = configs_of(place) if wanted else Desired(set_name="", named=False, target=Target())
    from provisioning.session import Access  # noqa: PLC0415 - it imports the SDK
    from provisioning.workspace.location import check_local  # noqa: PLC0415 - as above

    access = Access(
        allowed_commands=frozenset(place.allowed),
        on_value=place.view.mask,
        on_call=on_call,
        contacting=patience,
        provenance=provenance_here(),
    )
    if not place.local:
        yield desired, access
        return
    check_local(desired.target)
    with embedded_of(place) as embedded:
        if embedded is None:
            raise AssertionError("--local has a workspace")  # pragma: no cover
        yield desired, replace(access, host=embedded.host, token=SecretStr(embedded.token))


@contextlib.contextmanager
def embedded_of(place: Place) -> Iterator[Embedded | None]:
    """Keep the embedded workspace open, if --local asks for it; several targets share the one of their folder."""
    _check_state(place)
    if not place.local or place.embedded is not None:
        yield place.embedded
        return
    from provisioning.workspace.location import databricks_variables  # noqa: PLC0415 - it imports the SDK

    if ignored := databricks_variables(os.environ):
        click.echo(f"note: --local ignores {', '.join(ignored)}", err=True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_no_proxy())
        yield _embedded(stack, place.state)


def _check_state(place: Place) -> None:
    if place.state is not None and not place.local:
        raise click.UsageError("--state is the embedded workspace's folder: add --local")


def provenance_here() -> Provenance:
    """Return the commit and the job that this process runs for."""
    from provisioning.model.provenance import provenance_of  # noqa: PLC0415 - `validate` needs none of it

    return provenance_of(os.environ, commit=git_facts(Path.cwd()).get("bundle.git.commit"))


def _embedded(stack: contextlib.ExitStack, state: Path | None) -> Embedded:
    from local_workspace.embedded import open_embedded  # noqa: PLC0415 - only --local needs it

    try:
        return stack.enter_context(open_embedded(state))
    except OSError as error:  # TimeoutError is one of them
        raise ProvisioningError(
            f"the embedded workspace cannot be opened: {error}", remedy="--state DIR chooses another folder"
        ) from error


@contextlib.contextmanager
def _no_proxy() -> Iterator[None]:
    """Keep requests to loopback away from the environment's proxy: nothing may leave this machine."""
    names = ("NO_PROXY", "no_proxy")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "127.0.0.1,localhost"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
