"""Where a run comes from: the commit that is applied, and the job that applies it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from provisioning.model.base import Model

if TYPE_CHECKING:
    from collections.abc import Mapping


class Provenance(Model):
    """What is known of a run besides what the workspace knows."""

    commit: str | None = None
    """The commit of the configs."""
    run_url: str | None = None
    """The page of the job."""
    run_id: str | None = None
    """The job's number in its system."""
    actor: str | None = None
    """Who started the job, in the job system's words."""


class _System(NamedTuple):
    """The environment variables of a job system; `run_url` is a pattern over them."""

    mark: str
    commit: str
    run_url: str
    run_id: str
    actor: str


_SYSTEMS = (
    _System(
        "GITHUB_ACTIONS",
        "GITHUB_SHA",
        "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
        "GITHUB_RUN_ID",
        "GITHUB_ACTOR",
    ),
    _System("GITLAB_CI", "CI_COMMIT_SHA", "{CI_JOB_URL}", "CI_JOB_ID", "GITLAB_USER_LOGIN"),
    _System(
        "TF_BUILD",
        "BUILD_SOURCEVERSION",
        "{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",
        "BUILD_BUILDID",
        "BUILD_REQUESTEDFOR",
    ),
    _System("JENKINS_URL", "GIT_COMMIT", "{BUILD_URL}", "BUILD_TAG", "BUILD_USER_ID"),
    _System("CIRCLECI", "CIRCLE_SHA1", "{CIRCLE_BUILD_URL}", "CIRCLE_BUILD_NUM", "CIRCLE_USERNAME"),
)


def provenance_of(environ: Mapping[str, str], *, commit: str | None = None) -> Provenance:
    """Return what a job system says of the run; nothing outside of one.

    Args:
        environ: the environment.
        commit: the commit that is checked out, where no job system names one.
    """
    system = next((each for each in _SYSTEMS if environ.get(each.mark)), None)
    if system is None:
        return Provenance(commit=commit)
    return Provenance(
        commit=environ.get(system.commit) or commit,
        run_url=_filled(system.run_url, environ),
        run_id=environ.get(system.run_id) or None,
        actor=environ.get(system.actor) or None,
    )


def _filled(pattern: str, environ: Mapping[str, str]) -> str | None:
    try:
        return pattern.format_map(environ)
    except KeyError:
        return None
