"""The connection to one workspace: the SDK's client and unified auth behind one method.

Bodies are sent and answers read as the API's own JSON. The SDK's typed methods make the same calls, but drop what
a config may say on purpose (`AiGatewayConfig.as_dict` leaves out an empty `rate_limits`) and what they don't know.
"""

from __future__ import annotations

import logging
import re
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from pydantic import SecretStr
from requests import Session

from provisioning.errors import ProvisioningError, WorkspaceError
from provisioning.model.api_call import ApiCall
from provisioning.model.inert import LONGEST_MESSAGE, inert
from provisioning.model.ownership import TOOL
from provisioning.workspace.answers import bound
from provisioning.workspace.authentication import authentication
from provisioning.workspace.concealment import Concealment
from provisioning.workspace.errors import translated
from provisioning.workspace.gate import Gate
from provisioning.workspace.pacing import Pace
from provisioning.workspace.sdk import ApiClient, Config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import JsonValue
    from requests import PreparedRequest, Response

    from provisioning.workspace.location import Location

FIRST_CONTACT_SECONDS = 10
"""How long the first call may be retried: a wrong host should not take the SDK's 5 minutes to be noticed."""

RETRY_SECONDS = 300
"""How long every other call may be retried: the SDK's own budget."""

_WORKSPACE_ID_HEADER = "X-Databricks-Org-Id"
_REQUEST_ID_HEADER = "X-Request-Id"
_LONGEST_FACT = 64
_NOT_IN_USER_AGENTS = re.compile(r"[^A-Za-z0-9_.+-]+")
_HOW_TO_LOG_IN = "set DATABRICKS_TOKEN beside DATABRICKS_HOST, or log in: databricks auth login"
_WHICH_LOGIN = "say which is meant: DATABRICKS_AUTH_TYPE=pat for a token, oauth-m2m for a service principal's secret"
_ME = "/api/2.0/preview/scim/v2/Me"


class Connection:
    """One workspace, and the identity that talks to it. Safe to share among threads.

    Attributes:
        host: the workspace's URL.
        workspace_id: its id, as the workspace gives it.
        user: `userName` of the identity: an e-mail, or a service principal's application id.
        pace: what writes to endpoints have to pass through.
        conceal: takes the secrets that were sent out of what the server says.
        on_call: told of each call that ended, from whichever thread made it.
    """

    def __init__(
        self,
        *,
        config: Config,
        session: Session,
        workspace_id: str,
        user: str,
        pace: Pace,
        gate: Gate,
        conceal: Concealment,
        on_call: Callable[[ApiCall], None] = lambda _call: None,
    ) -> None:
        self.host = str(config.host)
        self.workspace_id = workspace_id
        self.user = user
        self.pace = pace
        self.conceal = conceal
        self.on_call = on_call
        self._gate = gate
        self._config = config
        self._session = session
        self._api = _client(config, session)
        # the SDK's own methods send it wherever they know it: one host may serve several workspaces
        self._headers = {"X-Databricks-Workspace-Id": config.workspace_id} if config.workspace_id else {}

    def call(
        self,
        method: str,
        path: str,
        *,
        subject: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, JsonValue] | None = None,
        hear: Callable[[Response], None] | None = None,
    ) -> dict[str, JsonValue]:
        """Make one API call.

        Args:
            method: the HTTP method.
            path: the path below the host, its parts quoted by `segment`.
            subject: the address of the object that it is about.
            query: the query string's arguments.
            body: the JSON object to send.
            hear: told of each answer as it came: the SDK's errors keep of a body what it knows.

        Returns:
            The answer's JSON object; empty if the answer is.

        Raises:
            WorkspaceError: or one of its kinds, if the call failed.
        """
        _cap_logging()
        self._gate.wait()
        made = ApiCall(method=method, path=path, subject=subject)
        try:
            with translated(f"{method} {path}", subject=subject, conceal=self.conceal):
                answer = self._api.do(
                    method,
                    path,
                    query=dict(query) if query else None,
                    headers=dict(self._headers),
                    body=dict(body) if body is not None else None,
                    auth=self._heard_by(hear) if hear is not None else None,
                    response_headers=[_REQUEST_ID_HEADER],
                )
        except WorkspaceError as error:
            failure = error.error_code or type(error).__name__
            self.on_call(made.model_copy(update={"request_id": error.request_id, "error": failure}))
            raise
        # PATCH tags answers a bare array on older servers; none of the calls needs what is in it
        found = cast("dict[str, JsonValue]", answer) if isinstance(answer, dict) else {}
        request_id = found.pop(_REQUEST_ID_HEADER, None)
        self.on_call(made.model_copy(update={"request_id": inert(str(request_id), limit=80) if request_id else None}))
        return found

    def _heard_by(self, hear: Callable[[Response], None]) -> Callable[[PreparedRequest], PreparedRequest]:
        def heard(response: Response, **_options: object) -> None:
            hear(response)

        authenticated = authentication(self._config)

        def prepared(request: PreparedRequest) -> PreparedRequest:
            request = authenticated(request)  # which this takes the place of
            # typed in requests itself, not in the stubs that come with a dev dependency
            register_hook = cast("Callable[[str, object], None]", request.register_hook)
            register_hook("response", heard)
            return request

        return prepared

    def announce(self, facts: Mapping[str, str | None]) -> None:
        """Tell the workspace's own logs, in the user agent of every further call, what the calls are made for.

        Args:
            facts: by name; what is None is left out.
        """
        for name, fact in facts.items():
            if fact:
                self._config.with_user_agent_extra(name, _NOT_IN_USER_AGENTS.sub("-", fact)[:_LONGEST_FACT])
        self._api = _client(self._config, self._session)


def connect(
    location: Location, *, pace: Pace | None = None, on_call: Callable[[ApiCall], None] = lambda _call: None
) -> Connection:
    """Open the connection and find out who we are there.

    Args:
        location: the workspace, and with a token the only credential to use.
        pace: what writes to endpoints have to pass through.
        on_call: told of each call that ended, from whichever thread made it.

    Raises:
        WorkspaceError: the workspace does not answer, or not as one.
        ProvisioningError: no credential is configured for it.
    """
    _cap_logging()
    gate, conceal = Gate(), Concealment()
    started = gate.time()
    with translated(f"GET {_ME}", subject=location.host, conceal=conceal):
        config = _configure(location, gate)
        conceal.add(*(SecretStr(each) for each in (config.token, config.client_secret) if each))
        # a host that did not answer the SDK's own look at it is not given all of the time once more
        config.retry_timeout_seconds = max(1, round(FIRST_CONTACT_SECONDS - (gate.time() - started)))
        session = _session(config)
        me = _client(config, session).do("GET", _ME, response_headers=[_WORKSPACE_ID_HEADER])
    config.retry_timeout_seconds = RETRY_SECONDS
    if not isinstance(me, dict) or not isinstance(me.get("userName"), str):
        raise WorkspaceError(
            "the answer does not say who we are",
            call=f"GET {_ME}",
            subject=location.host,
            remedy="check that the host is a workspace's",
        )
    return Connection(
        config=config,
        session=session,
        workspace_id=inert(str(me.get(_WORKSPACE_ID_HEADER) or config.workspace_id or ""), limit=40),
        user=str(me["userName"]),
        pace=pace or Pace(),
        gate=gate,
        conceal=conceal,
        on_call=on_call,
    )


def segment(name: str) -> str:
    """Quote a name as one segment of a path."""
    return quote(name, safe="")


def _configure(location: Location, gate: Gate) -> Config:
    # `Config` itself asks the host for its metadata, under the same retries
    build: Callable[..., Config] = Config
    shared: dict[str, object] = {
        "host": location.host,
        "product": TOOL,
        "product_version": _version(),
        "retry_timeout_seconds": FIRST_CONTACT_SECONDS,
        "clock": gate,
    }
    try:
        if location.token is None:
            config = build(profile=location.profile, **shared)
        else:
            # the empty profile keeps the SDK from taking one from the environment, and another credential with it
            config = build(profile="", auth_type="pat", token=location.token.get_secret_value(), **shared)
    except ValueError as error:
        said = str(error).partition(". Config:")[0]
        raise ProvisioningError(
            f"no credential for {location.host}: {inert(said, limit=LONGEST_MESSAGE)}",
            remedy=_WHICH_LOGIN if "more than one authorization" in said else _HOW_TO_LOG_IN,
        ) from None
    return config


def _session(config: Config) -> Session:
    """Return what keeps connections open: it reads bounded answers alone, and follows no redirect.

    On a 307 or 308 it would send the body on, a secret's value in it. For the environment's proxy and certificates it
    looks now, and not before each call, where that is a third of what the call costs.
    """
    session = Session()
    session.auth = authentication(config)
    session.max_redirects = 0
    bound(session)
    found = session.merge_environment_settings(str(config.host), {}, None, None, None)
    session.proxies, session.verify, session.trust_env = found["proxies"], found["verify"], False
    return session


def _client(config: Config, session: Session) -> ApiClient:
    """Return a client as the configuration is now: the SDK looks at it once for the user agent and the retries."""
    client = ApiClient(config)
    client._api_client._session = session  # noqa: SLF001 - the SDK has no setting for it
    return client


def _version() -> str:
    try:
        return version("gatewright")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0.0.0"


def _cap_logging() -> None:
    """Keep the SDK's logger above DEBUG, where it prints request bodies, credentials of external models included.

    Its warnings go too: they foretell what is raised a moment later. Done at each call, since whoever uses us may
    configure logging at any time.
    """
    logger = logging.getLogger("databricks.sdk")
    if logger.getEffectiveLevel() < logging.ERROR:
        logger.setLevel(logging.ERROR)
