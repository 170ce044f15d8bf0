"""A plan as a comment on a pull request: one comment for each set and target, edited and never added to."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from provisioning.model.counting import counted
from provisioning.model.inert import inert
from provisioning.reporters.text import change_lines, summary_text
from provisioning.reporters.values import SYMBOLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from provisioning.model.plan import Change, Plan
    from provisioning.model.target_run import TargetRun

LONGEST_COMMENT = 65_536
"""Characters that GitHub takes in a comment."""

_LONGEST_CHANGE = 20_000
"""Characters of one object's fields: one endpoint must not keep all others out of the comment."""

_LONGEST_REASON = 300
"""Characters of why a target failed: the job's log has the rest."""

_SHORTEST_FENCE = 3
_ROOM_FOR_REST = 300


def marker(plan: Plan) -> str:
    """Return the line, invisible on the page, by which the comment is found again."""
    return f"<!-- gatewright plan: set {plan.set_id}, target {_in_comment(plan.target)} -->"


def plan_markdown(plan: Plan, *, limit: int = LONGEST_COMMENT) -> str:
    """Return a plan as GitHub's Markdown.

    Args:
        plan: the plan.
        limit: characters that it may have; whole objects are left out at its end, and counted.
    """
    return f"{marker(plan)}\n{_body(plan, limit - len(marker(plan)))}"


def targets_markdown(runs: Sequence[TargetRun], plans: Mapping[str, Plan], *, limit: int = LONGEST_COMMENT) -> str:
    """Return the plans of several targets as one comment.

    Args:
        runs: how each target's run ended, in their order.
        plans: by target; one whose run failed has none.
        limit: characters that it may have; each plan has an equal share of them.
    """
    names = ", ".join(each.target for each in runs)
    sets = sorted({each.set_name for each in plans.values()})
    head = f"<!-- gatewright plan: set {_in_comment(', '.join(sets))}, targets {_in_comment(names)} -->\n\n"
    head += "| target | result | |\n| --- | --- | --- |\n"
    for run in runs:
        said = inert(run.message, limit=_LONGEST_REASON) if run.message else ""
        if run.target in plans:
            said = said or summary_text(plans[run.target])
        head += f"| {_prose(run.target)} | {_prose(run.result)} | {_prose(said)} |\n"
    share = (limit - len(head)) // max(len(plans), 1)
    return "\n".join([head, *(_body(plans[run.target], share - 1) for run in runs if run.target in plans)])


def _body(plan: Plan, limit: int) -> str:
    text = "\n\n".join(_head(plan))
    for index, change in enumerate(plan.changes):
        section = "\n\n" + _section(change)
        if len(text) + len(section) > limit - _ROOM_FOR_REST:
            left = len(plan.changes) - index
            return f"{text}\n\n*{counted(left, 'more object')} did not fit: the job's log has the whole plan.*\n"
        text += section
    return text + "\n"


def _head(plan: Plan) -> Iterator[str]:
    yield f"### {_prose(plan.set_name)} → {_prose(plan.target)}"
    where = f"{_prose(plan.host)} (workspace {_prose(plan.workspace_id) or 'unknown'})"
    yield f"**{_prose(summary_text(plan))}**\n\n{where} as {_code(plan.identity)}, set `{plan.set_id}`"
    if plan.guards:
        blocked = [f"- {_code(each.address)}: {_prose(each.message)}. {_prose(each.remedy)}" for each in plan.guards]
        yield _bounded([f"**Blocked by {counted(len(plan.guards), 'guard')}:**", "", *blocked])
    if plan.diagnostics:
        found = [f"- {each.severity} {each.code}: {_prose(each.message)}" for each in plan.diagnostics]
        yield _bounded(["**The workspace does not go with the configs:**", "", *found])
    if plan.notes:
        yield _bounded(f"- {_prose(each)}" for each in plan.notes)


def _section(change: Change) -> str:
    title, *lines = change_lines(change)
    # Markdown is not read within the tag
    summary = html.escape(f"{SYMBOLS[change.action]} {inert(change.address)} ({change.action.value})")
    if not lines:
        return f"- {_prose(title)}"
    body = _bounded(line.removeprefix("    ") for line in lines)
    fence = _fence(body)
    return f"<details><summary>{summary}</summary>\n\n{fence}text\n{body}\n{fence}\n\n</details>"


def _bounded(lines: Iterable[str]) -> str:
    kept: list[str] = []
    room = _LONGEST_CHANGE
    listed = list(lines)
    for line in listed:
        room -= len(line) + 1
        if room < 0:
            return "\n".join([*kept, f"… and {len(listed) - len(kept)} more"])
        kept.append(line)
    return "\n".join(kept)


def _fence(body: str) -> str:
    """Return a fence that nothing in the body can close."""
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    return "`" * max(_SHORTEST_FENCE, longest + 1)


def _prose(text: str) -> str:
    """Return text that is shown as it is: no markup, no HTML, nobody mentioned, no issue linked."""
    escaped = re.sub(r"([\\`*_{}\[\]()#+!|~<>&$-])", r"\\\1", inert(text))
    # an invisible joiner parts `@` from a name: an e-mail address must not notify a stranger who is called like it
    return escaped.replace("@", "@\u2060")


def _code(text: str) -> str:
    shown = inert(text)
    ticks = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    padding = " " if "`" in shown else ""
    return f"{ticks}{padding}{shown}{padding}{ticks}"


def _in_comment(text: str) -> str:
    return inert(text).replace("--", "- -").replace(">", "")
