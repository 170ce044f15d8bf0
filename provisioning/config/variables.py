"""The bundle's variables: declarations, and where each one's value comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provisioning.config import files
from provisioning.config.nodes import Node, Span, walk
from provisioning.model.rules import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from provisioning.config.problems import Problems

ENVIRONMENT_PREFIX: Final = "BUNDLE_VAR_"

_DECLARATION_KEYS: Final = frozenset({"default", "description", "type", "lookup"})


class Variables:
    """The values of a bundle's variables, for one target.

    Args:
        root: the whole bundle.
        target: the target's name.
        given: values from the command line, by name.
        environ: the environment.
        folder: the bundle's folder, where the databricks CLI keeps a file of overrides; None without one.
        problems: where everything wrong is reported.
    """

    def __init__(
        self,
        root: Node,
        target: str,
        *,
        given: Mapping[str, str],
        environ: Mapping[str, str],
        folder: Path | None,
        problems: Problems,
    ) -> None:
        self._problems = problems
        self.declared: dict[str, Node] = {}
        declarations = root.get("variables")
        for name, node in (declarations.fields() if declarations is not None else {}).items():
            self._check(name, node)
            self.declared[name] = node
        self._values: dict[str, Node] = {}
        self._lookups: dict[str, Node] = {}
        self._take_defaults()
        self._take_target(root.get("targets", target, "variables"))
        self._take_file(folder, target)
        self._take_texts(environ, given)

    def value(self, name: str) -> Node | None:
        """Return a variable's value, unresolved, or None if it has none."""
        return self._values.get(name)

    def lookup(self, name: str) -> Node | None:
        """Return the lookup that a variable's value would come from, if it is one."""
        return self._lookups.get(name)

    def _check(self, name: str, node: Node) -> None:
        for key, child in node.fields().items():
            if key not in _DECLARATION_KEYS:
                near = did_you_mean(key, _DECLARATION_KEYS)
                remedy = f"did you mean `{near}`?" if near else None
                self._problems.add(
                    "P201", f"`{key}` is not known in a variable's declaration", child.key, remedy=remedy
                )
        if not isinstance(node.value, dict) and node.value is not None:
            remedy = f"write `{name}: {{default: ...}}`"
            self._problems.add(
                "P203", f"the variable {name!r} is declared by a mapping", node, remedy=remedy, hide=node
            )

    def _take_defaults(self) -> None:
        for name, node in self.declared.items():
            self._take_declaration(name, node)

    def _take_declaration(self, name: str, node: Node) -> None:
        if (default := node.get("default")) is not None:
            self._values[name] = default
            self._lookups.pop(name, None)
        elif (lookup := node.get("lookup")) is not None:
            self._lookups[name] = lookup
            self._values.pop(name, None)

    def _take_target(self, overrides: Node | None) -> None:
        for name, node in (overrides.fields() if overrides is not None else {}).items():
            if name not in self.declared:
                self._report_unknown(name, node)
            elif node.fields() and _DECLARATION_KEYS.issuperset(node.fields()):
                self._take_declaration(name, node)
            else:
                self._values[name] = node

    def _take_file(self, folder: Path | None, target: str) -> None:
        if folder is None:
            return
        path = folder / ".databricks" / "bundle" / target / "variable-overrides.json"
        overrides = files.read(path, self._problems, inside=folder) if path.is_file() else None  # JSON is YAML
        if overrides is None:
            return
        if not isinstance(overrides.value, dict):
            self._problems.add("P203", f"{path} must be a mapping of values by variable", overrides, hide=overrides)
        for name, node in overrides.fields().items():
            if name not in self.declared:
                self._report_unknown(name, node)
                continue
            self._values[name] = node
            for _path, each in walk(node):
                self._problems.conceal(each)

    def _take_texts(self, environ: Mapping[str, str], given: Mapping[str, str]) -> None:
        for name in self.declared:
            if (value := environ.get(f"{ENVIRONMENT_PREFIX}{name}")) is not None:
                self._values[name] = self._text(value, f"${ENVIRONMENT_PREFIX}{name}")
        for name, value in given.items():
            if name in self.declared:
                self._values[name] = self._text(value, f"--var {name}")
            else:
                near = did_you_mean(name, self.declared)
                remedy = f"did you mean {near!r}?" if near else "declare it under `variables`"
                self._problems.add("P305", f"--var gives a value to {name!r}, which is not declared", remedy=remedy)

    def _text(self, value: str, source: str) -> Node:
        node = Node(value, Span(source))
        self._problems.conceal(node)
        return node

    def _report_unknown(self, name: str, node: Node) -> None:
        near = did_you_mean(name, self.declared)
        remedy = f"did you mean {near!r}?" if near else f"declare {name!r} under `variables`"
        self._problems.add(
            "P305", f"{name!r} is given a value but is not declared", node.key or node.span, remedy=remedy
        )
