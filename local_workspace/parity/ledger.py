"""The ledger put together: rules and routes with their witnesses, and what is wrong with it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local_workspace.parity.routes import routes
from local_workspace.parity.rules import ALL
from local_workspace.parity.witnesses import Witness, witnesses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from local_workspace.parity.rule import RouteClaim


@dataclass(frozen=True)
class Ledger:
    """What is claimed, and by which tests it is shown.

    Attributes:
        routes: by `METHOD path`.
        witnesses: by what they show.
    """

    routes: Mapping[str, RouteClaim]
    witnesses: Mapping[str, Sequence[Witness]]

    def problems(self) -> list[str]:
        """Return each claim that nobody witnesses and each witness of nothing, a sentence each."""
        unknown = [
            f"{witness.test} (line {witness.line}) witnesses {witness.shows!r}, which is neither a rule nor a route"
            for shown, found in self.witnesses.items()
            for witness in found
            if shown not in ALL and shown not in self.routes
        ]
        missing = [
            f"no test witnesses the {kind} {name}" for kind, name in self._claims() if name not in self.witnesses
        ]
        by_hand = [
            f"the route {name} is witnessed by requests made by hand alone; a route's witness drives a client"
            for name in self.routes
            if {each.client for each in self.witnesses.get(name, ())} == {"HTTP"}
        ]
        return [*unknown, *missing, *by_hand]

    def _claims(self) -> list[tuple[str, str]]:
        return [*(("rule", each) for each in ALL), *(("route", each) for each in self.routes)]


def read(tests: Path) -> Ledger:
    """Return the ledger with the witnesses among the tests of a folder.

    Raises:
        WitnessError: a mark cannot be read.
    """
    found: dict[str, list[Witness]] = defaultdict(list)
    for witness in witnesses(tests):
        found[witness.shows].append(witness)
    return Ledger(routes=routes(), witnesses=dict(found))
