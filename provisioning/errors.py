"""What can go wrong, and what to do about it.

    ProvisioningError                 exit 1
    ├── ConfigError                   exit 1   the configs are wrong; carries every diagnostic, not just the first
    ├── SecretSourceError             exit 1   a secret's source could not be read
    │   └── SourceUnsetError                   ... because it holds no value (unset, empty or blank)
    ├── SourcesError                  exit 1   the same, for every source that an apply lacks
    ├── WorkspaceError                exit 1   a call to the workspace failed; says which call on which object
    │   ├── NotFoundError
    │   ├── AlreadyExistsError
    │   ├── NotPermittedError
    │   ├── BusyError                          the object is being updated by somebody
    │   ├── ChangedSincePlanError              the object is not the one that the plan was made for
    │   └── UnreachableError                   no answer at all: what the call did is unknown
    ├── BlockedError                  exit 3   a guard stopped it; says which flag or edit lets it pass
    │   └── WrongWorkspaceError                the environment names another workspace than the target
    └── UnfinishedError                        an apply did not come to a good end; carries its report
        ├── NothingAppliedError       exit 1   the first thing that was tried failed
        ├── NotReadyError             exit 4   all applied, but not ready in time: safe to run again
        ├── PartlyAppliedError        exit 5   some of it was applied, and some was not
        └── InterruptedApplyError     exit 130
            └── AbandonedApplyError            ... by a second Ctrl-C: what was in flight is unknown

Every error carries `remedy`: one sentence on what to do next. No message, argument or attribute ever holds a
secret's value; text that came from a server is bounded and made inert before it gets here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Self


@dataclass(frozen=True, order=True)
class Position:
    """A place in a config file.

    Attributes:
        file: the path as the user named it (relative paths stay relative).
        line: counted from 1.
        column: counted from 1, in characters.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Diagnostic:
    """One problem in a config, as a reader needs it.

    Attributes:
        code: stable, greppable (`P101`); never reused for another meaning.
        title: the code's name in kebab-case (`unknown-field`).
        message: what is wrong, in one sentence, naming the value if it cannot be a secret.
        position: where, or None if the problem has no place (an empty folder).
        snippet: the source line it stands on, secrets masked and cut to what is around the place, or None.
        caret: how many characters of the snippet stand before the place.
        length: how many characters of the snippet the caret underlines.
        remedy: what to do next, in one sentence.
        severity: `error` stops; `warning` stops under `--strict`; `note` never does.
    """

    code: str
    title: str
    message: str
    position: Position | None = None
    snippet: str | None = None
    caret: int = 0
    length: int = 1
    remedy: str | None = None
    severity: Literal["error", "warning", "note"] = "error"


class ProvisioningError(Exception):
    """Anything this package raises on purpose.

    Args:
        message: what is wrong and where.
        remedy: what to do next.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class ConfigError(ProvisioningError):
    """The configs are wrong.

    Args:
        diagnostics: every problem found, in the order of the files.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        errors = sum(1 for each in diagnostics if each.severity == "error")
        super().__init__(f"{errors} {'error' if errors == 1 else 'errors'} in the configs")
        self.diagnostics = diagnostics


class SecretSourceError(ProvisioningError):
    """A secret's source could not be read.

    Args:
        message: what is wrong; names the source (`environment variable OPENAI_API_KEY`), never its value.
        position: where the config declares the source.
        remedy: what to do next.
    """

    def __init__(self, message: str, *, position: Position | None = None, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.position = position


class SourceUnsetError(SecretSourceError):
    """The source exists in name only: unset, empty or nothing but white space."""


class SourcesError(ProvisioningError):
    """Secrets' sources could not be read; nothing was written.

    Args:
        problems: every one of them, in the order of the configs.
        remedy: what to do next about all of them.
    """

    def __init__(self, problems: tuple[SecretSourceError, ...], *, remedy: str | None = None) -> None:
        count = len(problems)
        super().__init__(f"{count} secret {'source' if count == 1 else 'sources'} could not be read", remedy=remedy)
        self.problems = problems


class WorkspaceError(ProvisioningError):
    """A call to the workspace failed.

    Args:
        message: the server's own words, bounded and inert, or what went wrong on the way there.
        call: the call in the API's terms (`PUT /api/2.0/serving-endpoints/{name}/config`).
        subject: the address of the object it was about (`model_serving_endpoints.chat`).
        status: the HTTP status, if an answer came.
        error_code: the workspace's code (`RESOURCE_DOES_NOT_EXIST`).
        request_id: the id that Databricks support asks for.
        remedy: what to do next.
    """

    def __init__(
        self,
        message: str,
        *,
        call: str,
        subject: str,
        status: int | None = None,
        error_code: str | None = None,
        request_id: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(f"{subject}: {call}: {message}", remedy=remedy)
        self.said = message
        self.call = call
        self.subject = subject
        self.status = status
        self.error_code = error_code
        self.request_id = request_id

    def about(self, address: str) -> str:
        """Return what is wrong, for a line that begins with an object's address: it is not named again."""
        return f"{self.call}: {self.said}" if self.subject == address else self.message

    def restated(self, message: str, *, remedy: str) -> Self:
        """Return the same failure of the same call, in the words of who knows what it was made for."""
        return type(self)(
            message,
            call=self.call,
            subject=self.subject,
            status=self.status,
            error_code=self.error_code,
            request_id=self.request_id,
            remedy=remedy,
        )


class NotFoundError(WorkspaceError):
    """The object does not exist, or is not visible to this identity."""


class AlreadyExistsError(WorkspaceError):
    """The name is taken. After a lost answer it may be our own create that took it: read back before judging."""


class NotPermittedError(WorkspaceError):
    """The identity lacks a right, or its token is not accepted."""


class BusyError(WorkspaceError):
    """A config update is already running on the endpoint."""


class ChangedSincePlanError(WorkspaceError):
    """An object is not the one that the plan was made for, or no longer whose it was; it was not written to."""


class UnreachableError(WorkspaceError):
    """No answer came within the retry budget. Whether the call took effect is unknown."""


class BlockedError(ProvisioningError):
    """A guard stopped the plan before anything was written."""

    exit_code = 3


class WrongWorkspaceError(BlockedError):
    """The environment points at another workspace than the target names; nothing was sent to either."""


class UnfinishedError(ProvisioningError):
    """An apply did not come to a good end.

    Args:
        message: what was done and what was not.
        report: the plan and its outcome (a `provisioning.model.events.Report`).
        remedy: what to do next.
    """

    def __init__(self, message: str, *, report: object = None, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.report = report


class NothingAppliedError(UnfinishedError):
    """Nothing was applied: what was tried first failed."""


class NotReadyError(UnfinishedError):
    """Everything was applied, but an endpoint was not ready in time. Running again is safe."""

    exit_code = 4


class PartlyAppliedError(UnfinishedError):
    """Some changes were applied and some were not; the report lists both."""

    exit_code = 5


class InterruptedApplyError(UnfinishedError):
    """The user pressed Ctrl-C; calls in flight were finished, the rest was not started."""

    exit_code = 130


class AbandonedApplyError(InterruptedApplyError):
    """The user pressed Ctrl-C twice; calls in flight were given up, and what they did is unknown."""
