"""How the resources fit together: names, secrets that endpoints refer to, and who may read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.config.grants import entries_of, level_of, principal_of
from provisioning.config.nodes import walk
from provisioning.config.references import leads_nowhere
from provisioning.model.rules import did_you_mean
from provisioning.model.values import SecretKey, references_in
from provisioning.model.versions import split_version

if TYPE_CHECKING:
    from provisioning.config.nodes import Node, Path
    from provisioning.config.problems import Problems

_EVERYONE = ("group_name", "users")


def check(resources: Node, problems: Problems) -> None:
    """Report what is wrong between resources, as far as the configs alone can tell.

    Args:
        resources: the managed resources, resolved.
        problems: where everything wrong is reported.
    """
    scopes = _group(resources, "secret_scopes")
    endpoints = _group(resources, "model_serving_endpoints")
    _check_names(scopes, problems, fold=True)
    _check_names(endpoints, problems, fold=False)
    _check_one_stdin(scopes, problems)
    for resource in (*scopes, *endpoints):
        _check_principals(resource, problems)
    by_name = {_name(scope): scope for scope in scopes}
    for endpoint in endpoints:
        values = walk(endpoint)
        _check_plaintext(values, problems)
        used = _references(values)
        for reference, node in used:
            _check_reference(reference, node, by_name, problems)
        names = {reference.scope for reference, _node in used} & by_name.keys()
        _check_readers(endpoint, [by_name[name] for name in sorted(names)], problems)


def _group(resources: Node, kind: str) -> list[Node]:
    group = resources.get(kind)
    return [node for node in group.fields().values() if node.fields()] if group is not None else []


def _name(resource: Node) -> str:
    node = resource.get("name")
    return node.value if node is not None and isinstance(node.value, str) else ""


def _check_names(resources: list[Node], problems: Problems, *, fold: bool) -> None:
    seen: dict[str, Node] = {}
    for resource in resources:
        name = _name(resource)
        key = name.casefold() if fold else name
        if problems.failed and leads_nowhere(name):
            continue  # which was said where the reference stands
        if key and key in seen:
            first = seen[key].where().position
            message = f"the name {name!r} is taken by the resource at {first}"
            reason = " (the workspace compares scope names without case)" if fold and _name(seen[key]) != name else ""
            problems.add("P504", message + reason, resource.get("name"), remedy="give one of the two another name")
        seen.setdefault(key, resource)


def _check_one_stdin(scopes: list[Node], problems: Problems) -> None:
    secrets = [node for scope in scopes if (group := scope.get("secrets")) for node in group.fields().values()]
    from_stdin = [node for node in secrets if node.get("stdin") is not None]
    for node in from_stdin[1:]:
        problems.add("P205", "only one secret can be read from the standard input", node, remedy="use env or file")


def _check_principals(resource: Node, problems: Problems) -> None:
    seen: set[tuple[str, str]] = set()
    for entry in entries_of(resource):
        principal = principal_of(entry)
        if principal is not None and principal in seen:
            problems.add("P506", f"{principal[1]!r} is listed twice; the higher level counts", entry)
        if principal is not None:
            seen.add(principal)


def _check_plaintext(values: list[tuple[Path, Node]], problems: Problems) -> None:
    for path, node in values:
        field = path[-1] if path else ""
        if isinstance(field, str) and field.endswith("_plaintext") and node.value is not None:
            message = f"`{field}` holds a credential in the clear"
            reference = f"{field.removesuffix('_plaintext')}: {{{{secrets/<scope>/<key>}}}}"
            remedy = f"put it into a secret scope and give `{reference}`"
            problems.add("P215", message, node.key, remedy=remedy, hide=node)


def _references(values: list[tuple[Path, Node]]) -> list[tuple[SecretKey, Node]]:
    texts = ((node.value, node) for _path, node in values if isinstance(node.value, str) and "{{" in node.value)
    return [(reference, node) for text, node in texts for reference in references_in(text)]


def _check_reference(reference: SecretKey, node: Node, names: dict[str, Node], problems: Problems) -> None:
    scope = names.get(reference.scope)
    if scope is None:
        near = _differs_in_case(reference.scope, names)
        if near is not None:
            message = f"the scope {reference.scope!r} is declared as {near!r}"
            problems.add("P503", message, node, remedy=f"write {near!r}")
            return
        guess = did_you_mean(reference.scope, names)
        remedy = f"did you mean {guess!r}?" if guess else None
        problems.add(
            "P501", f"the scope {reference.scope!r} is not in the configs; plan checks it live", node, remedy=remedy
        )
        return
    secrets = scope.get("secrets")
    if secrets is None or split_version(reference.key)[0] in secrets.fields() or reference.key in secrets.fields():
        return  # whether a version of a secret is there, plan looks up live
    near = _differs_in_case(reference.key, secrets.fields())
    if near is not None:
        problems.add("P503", f"the key {reference.key!r} is declared as {near!r}", node, remedy=f"write {near!r}")
        return
    guess = did_you_mean(reference.key, secrets.fields())
    declare = f"declare it under `secrets` of {reference.scope}, with a source or as `{{external: true}}`"
    message = f"the scope {reference.scope!r} has no secret {reference.key!r}"
    problems.add("P502", message, node, remedy=f"did you mean {guess!r}?" if guess else declare)


def _differs_in_case(word: str, known: dict[str, Node]) -> str | None:
    return next((each for each in known if each != word and each.casefold() == word.casefold()), None)


def _check_readers(endpoint: Node, scopes: list[Node], problems: Problems) -> None:
    """Warn of consumers with READ on a scope: calling needs CAN_QUERY alone, and READ hands the key out."""
    callers = {principal_of(entry) for entry in entries_of(endpoint) if level_of(entry) == "CAN_QUERY"}
    for scope in scopes:
        for entry in entries_of(scope):
            who = principal_of(entry)
            if who is None or level_of(entry) not in {"READ", "WRITE"}:
                continue
            if who in callers or who == _EVERYONE:
                message = f"{who[1]!r} may call {_name(endpoint)!r}, and read its provider's key from {_name(scope)!r}"
                problems.add("P505", message, entry, remedy="remove the right: calling needs CAN_QUERY alone")
