"""One identity in one workspace, on behalf of one set: what every use case that contacts a workspace begins with."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr

from provisioning.config.references import resolve_workspace, workspace_facts
from provisioning.model.ownership import set_id
from provisioning.model.provenance import Provenance, provenance_of
from provisioning.planning.selection import select as selected
from provisioning.workspace.client import connect
from provisioning.workspace.endpoints import plaintext_in
from provisioning.workspace.location import locate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from provisioning.model.api_call import ApiCall
    from provisioning.model.workspace import Desired
    from provisioning.workspace.client import Connection


@dataclass(frozen=True)
class Access:
    """Which workspace to use, and what to read of the environment.

    Attributes:
        host: a workspace's URL, in place of the environment's; the target's own host still has to agree.
        token: the only credential to use; None leaves finding one to the SDK's unified auth.
        environ: the environment, for hosts, profiles and secrets' sources; None for this process's.
        allowed_commands: the programs that `command` sources may run.
        on_value: told of each secret's value as soon as it is read, so that whoever keeps a log can conceal it.
        on_call: told of each call to the workspace that ended, from whichever thread made it.
        contacting: entered with the host until it has answered for the first time, which may take a while.
        provenance: the commit and the job, for the workspace's own logs; None goes by the environment.
    """

    host: str | None = None
    token: SecretStr | None = None
    environ: Mapping[str, str] | None = None
    allowed_commands: frozenset[str] = frozenset()
    on_value: Callable[[SecretStr], None] = lambda _value: None
    on_call: Callable[[ApiCall], None] = lambda _call: None
    contacting: Callable[[str], AbstractContextManager[object]] = nullcontext
    provenance: Provenance | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment that counts."""
        return os.environ if self.environ is None else self.environ


@dataclass(frozen=True)
class Session:
    """An open connection, and what the configs mean there.

    Attributes:
        connection: the workspace.
        desired: the configs, with everything filled in that only the workspace knows.
        owner: the set's id.
    """

    connection: Connection
    desired: Desired
    owner: str


def open_session(desired: Desired, access: Access, *, select: Sequence[str] = ()) -> Session:
    """Contact the workspace that the target and the environment agree on.

    Args:
        desired: the configs.
        access: which workspace to use.
        select: the resources that are meant, by key, name or address; none for all.

    Raises:
        ProvisioningError: `select` names nothing in the configs.
        WrongWorkspaceError: target and environment name different workspaces; nothing was sent.
        WorkspaceError: the workspace does not answer, or not as one.
    """
    location = locate(desired.target, environ=access.environment, host=access.host, token=access.token)
    with access.contacting(location.host):
        connection = connect(location, on_call=access.on_call)
    facts = workspace_facts(host=connection.host, user_name=connection.user)
    # names that hold the user's are known only now
    resolved = selected(resolve_workspace(desired, facts), select)
    # a server may repeat what other runs sent it, also of the sources that this one does not read
    variables = [access.environment.get(each) for each in sorted(resolved.source_variables)]
    connection.conceal.add(*(SecretStr(each) for each in variables if each))
    connection.conceal.add(*(value for each in resolved.endpoints for value in plaintext_in(each.body())))
    owner = set_id(resolved, workspace_id=connection.workspace_id, user=connection.user)
    origin = access.provenance or provenance_of(access.environment)
    connection.announce(
        {"set": owner, "target": resolved.target.name, "commit": origin.commit, "run": origin.run_id}
        if desired.set_name
        else {}
    )
    return Session(connection=connection, desired=resolved, owner=owner)
