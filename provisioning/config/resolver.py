"""What `${...}` references lead to within the configs.

A reference that is a value's whole text keeps the type of what it leads to; one in the middle of a text becomes
text. What only a workspace knows stays as it is written (`provisioning.config.references`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from provisioning.config.blocks import MANAGED
from provisioning.config.nodes import Node, walk
from provisioning.config.references import REFERENCE, WORKSPACE_FACTS
from provisioning.model.rules import did_you_mean

if TYPE_CHECKING:
    from provisioning.config.problems import Problems
    from provisioning.config.variables import Variables

_SEGMENT = r"[A-Za-z][\w-]*(?:\[\d+\])*"
_PATH = re.compile(rf"{_SEGMENT}(?:\.{_SEGMENT})*", re.ASCII)
_STEP = re.compile(r"[^.\[\]]+")
_MOST_ROUNDS: Final = 11
_LONGEST_TEXT: Final = 256 * 1024
_MOST_VALUES: Final = 50_000
_AFTER_CREATE: Final = frozenset({"id", "endpoint_url", "creator"})


class Resolver:
    """Resolves the references in a bundle's tree.

    Args:
        root: the bundle, as its target has it.
        variables: the variables' values.
        facts: what the references under `bundle` and `workspace` lead to, by their whole path.
        problems: where everything wrong is reported.
    """

    def __init__(self, root: Node, variables: Variables, facts: dict[str, str], problems: Problems) -> None:
        self._root = root
        self._variables = variables
        self.facts = facts
        self._problems = problems
        self._known: dict[str, Node] = {}
        self._sizes: dict[str, int] = {}
        self._size = 0

    def resolve(self, node: Node, *, above: tuple[str, ...] = ()) -> Node:
        """Return a tree with every reference resolved that can be; one that cannot is reported and stays."""
        match node.value:
            case dict() as children:
                return node.with_value({key: self.resolve(child, above=above) for key, child in children.items()})
            case list() as children:
                return node.with_value([self.resolve(child, above=above) for child in children])
            case str() as text if "${" in text:
                return self._text(node, text, above)
        return node

    def _text(self, node: Node, text: str, above: tuple[str, ...]) -> Node:
        whole = REFERENCE.fullmatch(text)
        if whole is not None:
            found = self._follow(whole.group(1), node, above)
            return node if found is None else node.with_value(found.value, text=found.text)
        parts: list[str] = []
        end, left = 0, _LONGEST_TEXT
        for match in REFERENCE.finditer(text):
            at = node._replace(span=node.part(*match.span()))
            found = self._follow(match.group(1), at, above)
            embedded = match.group() if found is None else self._embedded(match.group(), found, at)
            parts += [text[end : match.start()], embedded]
            end = match.end()
            left -= len(parts[-2]) + len(embedded)
            if left < 0:  # before it is put together: a few lines of references stand for gigabytes
                message = f"the references in this text expand to more than {_LONGEST_TEXT} characters"
                self._problems.add("P104", message, node)
                return node
        joined = "".join([*parts, text[end:]])
        if "${" in REFERENCE.sub("", joined):
            self._problems.add("P302", "a reference is opened by `${` and not closed", node, remedy="close it with `}`")
        return node.with_value(joined)

    def _embedded(self, written: str, found: Node, node: Node) -> str:
        if isinstance(found.value, (dict, list)):
            remedy = "use the reference as the whole value"
            self._problems.add("P307", f"{written} is a list or mapping, and stands inside a text", node, remedy=remedy)
            return written
        if isinstance(found.value, str):
            return found.value
        return found.text if found.text is not None else "" if found.value is None else str(found.value)

    def _follow(self, path: str, node: Node, above: tuple[str, ...]) -> Node | None:
        """Return what a reference leads to, resolved; None if it stays symbolic or was reported."""
        if _PATH.fullmatch(path) is None:
            remedy = "write it as `${var.name}` or `${resources.type.key.field}`"
            self._problems.add("P302", f"`${{{path}}}` is not a reference", node, remedy=remedy)
            return None
        if path in above or len(above) >= _MOST_ROUNDS:
            way = " -> ".join((*above, path)[-4:])
            self._problems.add("P303", f"`${{{path}}}` leads in a circle or too deep: {way}", node)
            return None
        if path not in self._known:
            target = self._find(path, node)
            if target is None:
                return None  # not kept: each place that asks is told
            self._known[path] = self.resolve(target, above=(*above, path))
        found = self._known[path]
        if isinstance(found.value, (dict, list)):
            if path not in self._sizes:
                self._sizes[path] = len(walk(found))
            self._size += self._sizes[path]
            if self._size > _MOST_VALUES:
                self._problems.add("P104", f"the references expand to more than {_MOST_VALUES} values", node)
                return None
        return found

    def _find(self, path: str, node: Node) -> Node | None:
        """Look one reference up, unresolved; None if it stays symbolic or was reported."""
        steps: list[str | int] = [int(step) if step.isdigit() else step for step in _STEP.findall(path)]
        match steps:
            case ["var", str() as name, *rest]:
                return self._variable(path, name, rest, node)
            case ["variables", str() as name, "value", *rest]:
                return self._variable(path, name, rest, node)
            case ["bundle" | "workspace", *_]:
                return self._fact(path, steps, node)
            case ["resources", str() as kind, str() as key, *rest]:
                return self._resource(path, (kind, key, *rest), node)
            case _:
                remedy = "a reference starts with var, bundle, workspace or resources"
                self._problems.add("P301", f"`${{{path}}}` leads nowhere", node, remedy=remedy)
                return None

    def _variable(self, path: str, name: str, rest: list[str | int], node: Node) -> Node | None:
        value = self._variables.value(name)
        if value is not None:
            found = self.resolve(value, above=(path,)) if rest else value
            return self._below(path, found, rest, node)
        if name not in self._variables.declared:
            near = did_you_mean(name, self._variables.declared)
            remedy = f"did you mean `${{var.{near}}}`?" if near else f"declare {name!r} under `variables`"
            self._problems.add("P301", f"the variable {name!r} is not declared", node, remedy=remedy)
        elif (lookup := self._variables.lookup(name)) is not None:
            kinds = " and ".join(lookup.fields()) or "?"
            remedy = f"give the id itself: BUNDLE_VAR_{name}, or `default` in place of `lookup`"
            self._problems.add(
                "P306", f"the variable {name!r} is looked up ({kinds}), which is not supported", node, remedy=remedy
            )
        else:
            remedy = f"give it one by --var {name}=..., BUNDLE_VAR_{name}, or `default`"
            self._problems.add("P304", f"the variable {name!r} has no value", node, remedy=remedy)
        return None

    def _fact(self, path: str, steps: list[str | int], node: Node) -> Node | None:
        if (declared := self._root.get(*steps)) is not None:
            return declared
        if (known := self.facts.get(path)) is not None:
            return node.with_value(known)
        if path in WORKSPACE_FACTS:
            return None
        head = self._root.get(steps[0])
        declared_paths = [f"{steps[0]}.{key}" for key in head.fields()] if head is not None else []
        near = did_you_mean(path, (*declared_paths, *self.facts, *WORKSPACE_FACTS))
        remedy = f"did you mean `${{{near}}}`?" if near else None
        self._problems.add("P301", f"`${{{path}}}` leads nowhere", node, remedy=remedy)
        return None

    def _resource(self, path: str, steps: tuple[str | int, ...], node: Node) -> Node | None:
        found = self._root.get("resources", *steps)
        if found is not None:
            return found
        kind, key, *rest = steps
        owner = self._root.get("resources", kind, key)
        if owner is not None and rest and rest[-1] in _AFTER_CREATE:
            remedy = "use the name, which is known before"
            self._problems.add("P308", f"`${{{path}}}` is known only after it is created", node, remedy=remedy)
            return None
        siblings = self._root.get("resources", kind)
        near = did_you_mean(str(key), siblings.fields()) if siblings is not None else did_you_mean(str(kind), MANAGED)
        hint = f"${{resources.{kind}.{near}…}}" if siblings is not None else f"${{resources.{near}…}}"
        self._problems.add(
            "P301", f"`${{{path}}}` leads nowhere", node, remedy=f"did you mean `{hint}`?" if near else None
        )
        return None

    def _below(self, path: str, value: Node, rest: list[str | int], node: Node) -> Node | None:
        found = value.get(*rest)
        if found is None:
            self._problems.add("P301", f"`${{{path}}}` leads nowhere: the variable has no such field", node)
        return found
