"""What depends on what in a plan, as a graph that the drawings share, and as Mermaid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.model.address import Address, endpoint_address, folded, parent, scope_address
from provisioning.model.counting import counted
from provisioning.model.inert import inert
from provisioning.model.plan import Action
from provisioning.model.references import secrets_used
from provisioning.reporters.values import SYMBOLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from provisioning.model.plan import Change, Plan
    from provisioning.model.workspace import Desired

_UNCHANGED = "unchanged"
_WORST_FIRST = (Action.DELETE, Action.REPLACE, Action.ADOPT, Action.CREATE, Action.UPDATE)

_COLOURS: Mapping[str, str] = {
    Action.CREATE: "#1a7f37",
    Action.UPDATE: "#9a6700",
    Action.REPLACE: "#cf222e",
    Action.DELETE: "#cf222e",
    Action.ADOPT: "#0969da",
    _UNCHANGED: "#6e7781",
}


@dataclass(frozen=True)
class Node:
    """A scope or an endpoint.

    Attributes:
        address: which one.
        fate: what happens to it: an action, or `unchanged`.
        label: what a reader sees, in lines.
    """

    address: Address
    fate: str
    label: tuple[str, ...]

    @property
    def colour(self) -> str:
        """The colour of its fate."""
        return _COLOURS[self.fate]


@dataclass(frozen=True)
class Graph:
    """A plan's objects, and which of them have to be in place before which.

    Attributes:
        title: whose plan it is.
        nodes: in the plan's order.
        edges: pairs of places among the nodes: the first comes before the second.
    """

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]


def graph_of(plan: Plan, desired: Desired) -> Graph:
    """Return the graph of a plan, with what stays as it is.

    Args:
        plan: the plan.
        desired: the configs it was made of: they say what an endpoint refers to, changed or not.
    """
    changes: dict[Address, list[Change]] = {}
    names: dict[Address, Address] = {}
    for change in plan.changes:
        names.setdefault(folded(change.group), change.group)
        changes.setdefault(folded(change.group), []).append(change)
    for address in plan.unchanged:
        names.setdefault(folded(parent(address)), parent(address))
    nodes = tuple(_node(name, changes.get(key, [])) for key, name in names.items())
    places = {key: place for place, key in enumerate(names)}
    edges = (
        (places[folded(first)], places[folded(second)])
        for first, second in _dependencies(plan, desired)
        if folded(first) in places and folded(second) in places
    )
    return Graph(
        title=inert(f"{plan.set_name} → {plan.target}"),
        nodes=nodes,
        edges=tuple(dict.fromkeys(edge for edge in edges if edge[0] != edge[1])),
    )


def mermaid(graph: Graph) -> str:
    """Return a graph as a Mermaid flowchart."""
    lines = ["flowchart LR", f"  accTitle: {graph.title}"]
    lines += [
        f'  n{place}["{"<br/>".join(map(_escaped, node.label))}"]:::{node.fate}'
        for place, node in enumerate(graph.nodes)
    ]
    lines += [f"  n{first} --> n{second}" for first, second in graph.edges]
    fates = dict.fromkeys(node.fate for node in graph.nodes)
    lines += [f"  classDef {fate} stroke:{_COLOURS[fate]},stroke-width:2px" for fate in fates]
    return "\n".join(lines)


def _dependencies(plan: Plan, desired: Desired) -> Iterator[tuple[Address, Address]]:
    for change in plan.changes:
        yield from ((before, change.group) for before in change.after)
    deleted = {
        change.group for change in plan.changes if change.action is Action.DELETE and change.group == change.address
    }
    for endpoint in desired.endpoints:
        address = endpoint_address(endpoint.name)
        if address not in deleted:
            yield from ((scope_address(use.secret.scope), address) for use in secrets_used(endpoint))


def _node(address: Address, changes: Sequence[Change]) -> Node:
    kind, _, name = address.partition(".")
    own = [change.action for change in changes if change.address == address]
    actions = own or [Action.UPDATE for _ in changes]
    fate = next((action for action in _WORST_FIRST if action in actions), None)
    heading = kind.removesuffix("s").replace("_", " ")
    said = _UNCHANGED if fate is None else f"{SYMBOLS[fate]} {fate.value}, {counted(len(changes), 'change')}"
    return Node(address=address, fate=fate.value if fate else _UNCHANGED, label=(inert(name), heading, said))


def _escaped(text: str) -> str:
    """Write what Mermaid would read as markup in its own entities."""
    named = {"&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "#": "#35;", ";": "#59;", "`": "#96;"}
    return "".join(named.get(each, each) for each in text)
