"""The ledger as a page of Markdown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from local_workspace.parity.rule import Certainty
from local_workspace.parity.rules import ALL, FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from local_workspace.parity.ledger import Ledger
    from local_workspace.parity.witnesses import Witness

_HEAD = """\
# Parity

What the workspace on localhost does as the real one does, how that is known, and which test shows it. Made by
`python -m local_workspace parity --out docs/parity.md`; a test fails when this page is stale, or a line has no witness.

| certainty | means | rules | routes |
|---|---|---|---|
{counts}

A switch turns an assumed rule the other way ([all of them](local_workspace.md#where-the-real-api-is-uncertain)). Who
has a real workspace can settle it: see [verify](local_workspace.md#ask-a-real-workspace).

A witness drives the client that is named, as its vendor ships it; HTTP is a request made by hand, for what no client
sends. No client is patched, and none knows that it talks to localhost.
"""

_MEANINGS = {
    Certainty.OBSERVED: "a real workspace's answer is quoted in public, or in a fixture recorded from one",
    Certainty.DOCUMENTED: "the vendor's documentation or API reference says so",
    Certainty.SDK_EVIDENT: "the vendor's own clients, or their test servers and acceptance tests, are written for it",
    Certainty.ASSUMED: "no public source settles it; this is the likelier answer",
}


def render(ledger: Ledger) -> str:
    """Return the page."""
    parts = [_HEAD.format(counts="\n".join(_counts(ledger)))]
    for family, rules in FAMILIES.items():
        rows = (
            (
                rule.id,
                rule.says,
                rule.certainty + (f" (`{rule.switch}`)" if rule.switch else ""),
                rule.source,
                _witnesses(ledger.witnesses.get(rule.id, ())),
            )
            for rule in rules
        )
        parts.append(_table(family, ("rule", "what", "certainty", "source", "witness"), rows))
    shown = (
        (f"`{name}`", claim.certainty, claim.source, _witnesses(ledger.witnesses.get(name, ())))
        for name, claim in ledger.routes.items()
    )
    parts.append(_table("Routes", ("route", "certainty", "source", "witness"), shown))
    return "\n".join(parts)


def _counts(ledger: Ledger) -> Iterable[str]:
    rules = Counter(each.certainty for each in ALL.values())
    routes = Counter(each.certainty for each in ledger.routes.values())
    return (f"| {each} | {_MEANINGS[each]} | {rules[each]} | {routes[each]} |" for each in Certainty)


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"## {title}", "", _row(heads), "|" + "---|" * len(heads), *(_row(each) for each in rows)]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(each.replace("|", "\\|") for each in cells) + " |"


def _witnesses(found: Sequence[Witness]) -> str:
    if not found:
        return "none"
    return "<br>".join(f"{each.client}: [{_short(each.test)}](../{each.test.partition('::')[0]})" for each in found)


def _short(test: str) -> str:
    return test.rpartition("::")[2].removeprefix("test_").replace("_", " ")
