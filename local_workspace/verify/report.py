"""What a run found, and what it would do, as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_workspace.verify import checks
from local_workspace.verify.run import Finding, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_workspace.verify.check import Check

_WORDS = {
    Verdict.SAME: "as here",
    Verdict.OTHER: "otherwise",
    Verdict.UNFORESEEN: "unforeseen",
    Verdict.OPEN: "open",
}


def plan(host: str, asked: Sequence[Check], *, calls: int, seconds: float) -> str:
    """Return what a run would do: what it asks, what it makes, what it costs."""
    lines = [f"would ask {host}, by at most {calls} requests in {seconds:.0f} seconds:", ""]
    for each in asked:
        makes = f" (makes {each.makes})" if each.makes else ""
        lines.append(f"  {each.name}: {each.rule.says}{makes}")
    held_back = [each for each in checks.ALL if each.reserved and each not in asked]
    lines += ["", *(f"not asked, unless by --also {each.name}: {each.reserved}" for each in held_back)]
    paid = [each.reserved for each in asked if each.reserved]
    lines += [f"note: {each}" for each in paid]
    lines.append(
        "Cost: nothing for scopes and for endpoints of external models; their key is made up and refused by OpenAI."
    )
    lines.append("All that is made is removed at the end. Nothing was sent; add --run to ask.")
    return "\n".join(lines)


def line(finding: Finding) -> str:
    """Return a finding in a line."""
    switch = finding.check.rule.switch
    value = "" if finding.answer.value is None or switch is None else f" = {_text(finding.answer.value)}"
    return safe(f"{_WORDS[finding.verdict]:<10}  {finding.check.name}{value}: {finding.answer.said}")


def summary(outcome: Outcome) -> str:
    """Return what a run amounts to."""
    questions = [each for each in outcome.findings if each.check.rule.switch]
    rules = [each for each in outcome.findings if not each.check.rule.switch]
    answered = [each for each in questions if each.verdict is not Verdict.OPEN]
    told = f"{len(answered)} of {len(questions)} open questions answered"
    lines = [f"{told}, {_count(rules, Verdict.SAME)} of {len(rules)} rules hold, {outcome.calls} requests."]
    differing = [each for each in questions if each.verdict is Verdict.OTHER]
    if differing:
        flags = " ".join(f"--behaviour {each.check.rule.switch}={_text(each.answer.value)}" for each in differing)
        lines.append(f"To have it so on localhost: python -m local_workspace serve {flags}")
    if outcome.interrupted:
        lines.append("Interrupted before the rest was asked.")
    if outcome.left:
        lines.append("Could not be removed, and is still there: " + ", ".join(outcome.left))
    else:
        lines.append("All that was made is removed.")
    return safe("\n".join(lines))


def safe(text: str) -> str:
    """Return a text of the workspace's without what moves a terminal's cursor."""
    return "".join(each if each.isprintable() or each == "\n" else "�" for each in text)


def _text(value: object) -> str:
    return str(value).lower()


def _count(findings: Sequence[Finding], verdict: Verdict) -> int:
    return sum(each.verdict is verdict for each in findings)
