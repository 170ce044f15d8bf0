"""Reading an endpoint's state, and saying in our own errors why it is not ready."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chat.errors import (
    EndpointFailedError,
    EndpointMissingError,
    NotFoundError,
    NotReadyError,
    PermissionDeniedError,
    UnauthenticatedError,
    inert,
)
from chat.flow.retry import PASSING
from chat.flow.steps import Authorize, Endpoint, Flow, Send
from chat.wire import HEADERS, Access, Request, Response, read_json, refusal, state_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FIRST_ERROR = 400
_TIMEOUT = 30.0

_ANSWERS: Mapping[str, object] = {"state": {"ready": "READY"}}


def read_state(
    endpoint: Endpoint,
    *,
    learn: Callable[[Mapping[str, object] | None], None] = lambda _: None,
    thorough: bool = False,
) -> Flow[Mapping[str, object] | None]:
    """Fetch the JSON object by which `provisioning.readiness` judges an endpoint; None if it is not found.

    A workspace that is out of reach for a moment is no verdict on the endpoint: it reads as a state of its own.

    Args:
        endpoint: which.
        learn: is told what was seen of it, if anything was.
        thorough: whether the state of its last config counts, rather than whether any answers.

    Raises:
        PermissionDeniedError: its state is not to be seen, and `thorough` is asked for.
    """
    try:
        access: Access = yield Authorize(endpoint)
        try:
            seen = yield from _seen(endpoint, access)
        except UnauthenticatedError:
            renewed: Access | None = yield Authorize(endpoint, refused=access)
            if renewed is None:
                raise
            seen = yield from _seen(endpoint, renewed)
    except PASSING as error:
        return {"state": {"ready": f"unknown ({error.message})"}}
    except PermissionDeniedError:
        if thorough:
            raise
        # Who may query an endpoint may not always look at it: the call itself has to show whether it can be made.
        seen = _ANSWERS
    learn(seen)
    # While an endpoint is updated, or after that failed, the config before it goes on to serve.
    return seen if thorough or not _serves(seen) else _ANSWERS


@contextmanager
def awaiting(endpoint: Endpoint) -> Iterator[None]:
    """Turn what the waiters of `provisioning.readiness` raise into this package's errors."""
    # Imported when somebody waits: until then nothing of `provisioning` is loaded.
    from provisioning.readiness import EndpointFailedError as Failed  # noqa: PLC0415
    from provisioning.readiness import EndpointMissingError as Missing  # noqa: PLC0415
    from provisioning.readiness import NotReadyInTimeError  # noqa: PLC0415

    try:
        yield
    except Failed as error:
        remedy = "Mend its config and apply it again; waiting longer will not help."
        raise EndpointFailedError(inert(str(error)), remedy=remedy) from error
    except NotReadyInTimeError as error:
        raise NotReadyError(
            inert(str(error)), remedy="Wait longer (wait=, --wait), or look at its events in the workspace."
        ) from error
    except Missing as error:
        remedy = f"Check the name {endpoint.name!r} and the workspace; create it with `python -m provisioning apply`."
        raise EndpointMissingError(inert(str(error)), remedy=remedy) from error


def _seen(endpoint: Endpoint, access: Access) -> Flow[Mapping[str, object] | None]:
    headers = {**HEADERS, **access.headers}
    answer: Response = yield Send(Request("GET", access.host, state_path(endpoint.name), headers, timeout=_TIMEOUT))
    response = answer.without(access.credential)
    if response.status < _FIRST_ERROR:
        return read_json(response)
    error = refusal(response)
    if isinstance(error, NotFoundError):
        return None
    raise error


def _serves(seen: Mapping[str, object] | None) -> bool:
    state = seen.get("state") if seen is not None else None
    return isinstance(state, Mapping) and state.get("ready") == "READY"
