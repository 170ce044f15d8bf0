"""`LocalWorkspace`: a workspace in this process, for tests and notebooks."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self

from local_workspace.authentication import PAGE
from local_workspace.resources.arrangements import Arrangement
from local_workspace.resources.identities import USERS
from local_workspace.running import running
from local_workspace.server import listen
from local_workspace.settings import Settings
from local_workspace.state_folder import StateFolder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from local_workspace.clock import Clock
    from local_workspace.faults import Faults
    from local_workspace.recorder import RequestLog
    from local_workspace.workspace import Workspace, Workspaces


class EndpointControl:
    """Says how deployments go.

    Args:
        workspace: whose endpoints.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def fail(self, match: str = "*", *, message: str = "", seconds: float | None = None) -> None:
        """Let the deployments of matching endpoints end in UPDATE_FAILED; an old config goes on serving.

        Args:
            match: the endpoints' names, as a glob.
            message: what the served entities say.
            seconds: how long the deployments take; None: what the settings say.
        """
        self._workspace.endpoints.arrange(Arrangement(match, "failed", message, seconds))

    def cancel(self, match: str = "*", *, message: str = "", seconds: float | None = None) -> None:
        """Let the deployments of matching endpoints end in UPDATE_CANCELED."""
        self._workspace.endpoints.arrange(Arrangement(match, "canceled", message, seconds))

    def stick(self, match: str = "*") -> None:
        """Let the deployments of matching endpoints never end."""
        self._workspace.endpoints.arrange(Arrangement(match, "stuck"))

    def take(self, match: str = "*", *, seconds: float) -> None:
        """Let the deployments of matching endpoints go well, and take so many seconds."""
        self._workspace.endpoints.arrange(Arrangement(match, "ready", seconds=seconds))

    def clear(self) -> None:
        """Let later deployments go well again."""
        self._workspace.endpoints.arrangements.clear()


class WorkspaceHandle:
    """A workspace on a running server, as a test holds it.

    Args:
        host: `http://127.0.0.1:PORT`.
        workspace: the workspace behind it.
        workspaces: all of the server's.
        clock: the server's time.
    """

    def __init__(self, host: str, workspace: Workspace, *, workspaces: Workspaces, clock: Clock) -> None:
        self.host = host
        self.clock = clock
        self._workspace = workspace
        self._workspaces = workspaces

    @property
    def token(self) -> str:
        """The token of the workspace's admin, `local-admin@example.com`."""
        return self._workspace.token

    @property
    def workspace_id(self) -> str:
        """The workspace's id."""
        return self._workspace.id

    @property
    def page(self) -> str:
        """The address of the page that shows it; it asks for the token."""
        return self.host + PAGE

    @property
    def settings(self) -> Settings:
        """How it is run."""
        return self._workspace.settings

    @property
    def requests(self) -> RequestLog:
        """What clients asked, oldest first, keys masked."""
        return self._workspace.requests

    @property
    def faults(self) -> Faults:
        """What is to go wrong: `faults.arm([{"match": …, "kind": …}])`, `faults.clear()`."""
        return self._workspace.faults

    @property
    def endpoints(self) -> EndpointControl:
        """How deployments go: `endpoints.fail("my-*", message="no quota")`."""
        return EndpointControl(self._workspace)

    @property
    def unknown(self) -> dict[str, int]:
        """How often each route that the workspace does not know was called."""
        return dict(self._workspace.unknown)

    @property
    def tables(self) -> Mapping[str, list[dict[str, Any]]]:
        """What endpoints' usage tracking and inference tables wrote down: rows, by the table's full name."""
        tables = self._workspace.tables
        return {name: tables.rows(name) for name in tables.names()}

    def token_for(self, principal: str, *, groups: tuple[str, ...] = (USERS,)) -> str:
        """Return a token of another identity of this workspace, made if it does not exist.

        Args:
            principal: a user's e-mail, or a service principal's application id (a UUID).
            groups: the groups it is in.
        """
        self._workspace.identities.add(principal, groups=groups)
        return self._workspace.identities.token_for(principal)

    def client_secret_for(self, application_id: str, *, groups: tuple[str, ...] = (USERS,)) -> str:
        """Return the OAuth secret of a service principal, made if it does not exist."""
        self._workspace.identities.add(application_id, groups=groups)
        return self._workspace.identities.client_secret_for(application_id)

    def fork(self) -> WorkspaceHandle:
        """Return a new, empty workspace on the same server, with a token of its own."""
        return WorkspaceHandle(self.host, self._workspaces.fork(), workspaces=self._workspaces, clock=self.clock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.host} workspace {self.workspace_id}>"


class LocalWorkspace(WorkspaceHandle):
    """A workspace that is up from its construction until `close()`, or for a `with` block.

    Args:
        state: the folder that keeps it; None keeps it in memory.
        port: 0 for any that is free.
        bind: the loopback address to listen on.
        clock: its time; by default the machine's, which tests can advance.
        settings: how it is run; as an alternative, pass single settings by name.
        options: single settings (`deploy_seconds=0`, `upstreams="live"`, …).

    Raises:
        UnusableStateError: the folder is in use, or cannot be used.
        ListenError: the port is taken.
        ValueError: `bind` is no loopback address, or a setting has a value that it does not take.
    """

    def __init__(
        self,
        *,
        state: Path | None = None,
        port: int = 0,
        bind: str = "127.0.0.1",
        clock: Clock | None = None,
        settings: Settings | None = None,
        **options: Any,  # noqa: ANN401 - Settings' own fields, which it checks
    ) -> None:
        with contextlib.ExitStack() as stack:
            folder = None if state is None else stack.enter_context(StateFolder(state))
            if folder is not None:
                folder.require()
            served = stack.enter_context(
                running(
                    listen(port, host=bind),
                    database=None if folder is None else folder.database,
                    settings=settings or Settings(**options),
                    clock=clock,
                )
            )
            if folder is not None:
                folder.announce(served.address)
            self._running = stack.pop_all()
        super().__init__(
            served.address.host, served.workspaces.default, workspaces=served.workspaces, clock=served.clock
        )

    def close(self) -> None:
        """Stop serving. What is kept in a folder stays."""
        self._running.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
