"""From the SDK's exceptions to ours: which call, on which object, in bounded and inert words.

Ours exist because callers act on five outcomes only (missing, taken, not permitted, busy, no answer), because
the SDK must not be needed to tell them apart, and because the SDK appends its configuration to some messages.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import requests

from provisioning.errors import (
    AlreadyExistsError,
    BusyError,
    NotFoundError,
    NotPermittedError,
    UnreachableError,
    WorkspaceError,
)
from provisioning.model.inert import LONGEST_MESSAGE, inert
from provisioning.workspace.answers import LARGEST, AnswerTooLargeError
from provisioning.workspace.authentication import LoginFailedError
from provisioning.workspace.sdk import DatabricksError, PrivateLinkValidationError
from provisioning.workspace.sdk import platform as sdk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioning.workspace.concealment import Concealment

# what the SDK raises -> what we raise, the HTTP status it stands for, what to do; first match wins
_TABLE: tuple[tuple[type[DatabricksError], type[WorkspaceError], int | None, str | None], ...] = (
    (PrivateLinkValidationError, NotPermittedError, None, "run this from the workspace's private network"),
    (sdk.ResourceAlreadyExists, AlreadyExistsError, None, None),
    (sdk.AlreadyExists, AlreadyExistsError, None, None),
    (sdk.NotFound, NotFoundError, 404, None),
    (sdk.Unauthenticated, NotPermittedError, 401, "check the login: DATABRICKS_TOKEN, a profile, a client's secret"),
    (sdk.PermissionDenied, NotPermittedError, 403, "check the token, and this identity's rights on the object"),
    (sdk.ResourceConflict, BusyError, 409, "wait until the running update is over, then run again"),
    (sdk.TooManyRequests, UnreachableError, 429, "the workspace is busy: run again later"),
    (sdk.TemporarilyUnavailable, UnreachableError, 503, "the workspace is busy: run again later"),
    (sdk.BadRequest, WorkspaceError, 400, None),
    (sdk.InternalError, WorkspaceError, 500, "this is the workspace's fault: run again, it is safe"),
    (DatabricksError, WorkspaceError, None, None),
)


@contextmanager
def translated(call: str, *, subject: str, conceal: Concealment) -> Iterator[None]:
    """Turn what the SDK raises within into our errors.

    Args:
        call: the call in the API's terms.
        subject: the address of the object that it is about.
        conceal: takes the secrets that were sent out of what the server says.

    Raises:
        WorkspaceError: or one of its kinds, for everything that the SDK raises.
    """
    try:
        yield
    except DatabricksError as error:
        # with a secret in play the SDK's own exception is not kept either: its text may repeat the value
        raise _from_answer(error, call, subject, conceal) from (None if conceal else error)
    except (TimeoutError, requests.ConnectionError, requests.Timeout) as error:
        raise UnreachableError(
            f"no answer: {_root(error)}",
            call=call,
            subject=subject,
            remedy="check the host and the network, then run again: it is safe",
        ) from (None if conceal else error)
    except LoginFailedError as error:
        raise NotPermittedError(
            f"logging in failed: {_message(error, conceal)}",
            call=call,
            subject=subject,
            remedy="check the credential: DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, or the profile",
        ) from (None if conceal else error)
    except AnswerTooLargeError:
        raise WorkspaceError(
            f"the answer is larger than {LARGEST // 2**20} MiB, and was not read to its end",
            call=call,
            subject=subject,
            remedy="check that the host is a workspace's, and that no proxy is in between",
        ) from None
    except requests.TooManyRedirects as error:
        raise WorkspaceError(
            "the host sends us elsewhere, and what is meant for it is sent nowhere else",
            call=call,
            subject=subject,
            remedy="check that the host is a workspace's own URL, and that no login page is in between",
        ) from (None if conceal else error)
    except (requests.RequestException, ValueError, TypeError, RecursionError) as error:
        # the SDK parses a 200's body without looking at it: a login page or a proxy's page ends here, a number or
        # a string (it takes every body for an object), and brackets without end
        raise WorkspaceError(
            "the answer is not the API's: not JSON",
            call=call,
            subject=subject,
            remedy="check that the host is a workspace's, and that no proxy or login page is in between",
        ) from (None if conceal else error)


def _from_answer(error: DatabricksError, call: str, subject: str, conceal: Concealment) -> WorkspaceError:
    kind, status, remedy = next(row[1:] for row in _TABLE if isinstance(error, row[0]))
    message = _message(error, conceal)
    # the status of a config update that comes too early is not documented: 409, or 400 in these words
    if kind is WorkspaceError and status == 400 and _sounds_busy(message):  # noqa: PLR2004 - an HTTP status
        kind, remedy = BusyError, "wait until the running update is over, then run again"
    request = error.get_error_details().request_info
    return kind(
        message,
        call=call,
        subject=subject,
        status=status,
        error_code=inert(conceal(str(error.error_code)), limit=80) if error.error_code is not None else None,
        request_id=inert(conceal(str(request.request_id)), limit=80) if request else None,
        remedy=remedy,
    )


def _message(error: BaseException, conceal: Concealment) -> str:
    # on 401 and 403 the SDK appends the configuration that it used
    words = str(error).partition(". Config: ")[0]
    # concealed before it is cut and its line ends are gone: what is left of a secret would not be recognized
    return inert(conceal(words).strip(), limit=LONGEST_MESSAGE) or "no message"


def _sounds_busy(message: str) -> bool:
    lowered = message.lower()
    return "in progress" in lowered or "currently updating" in lowered or "being updated" in lowered


def _root(error: BaseException) -> str:
    """Name what went wrong on the way, at the bottom of the chain: the layers above wrap it in object addresses."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return inert(str(reason), limit=200)
