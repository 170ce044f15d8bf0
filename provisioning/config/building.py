"""Nodes to models: pydantic judges, and each of its complaints gets a code, a place and a remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import ValidationError

from provisioning.config.hints import field_hint, value_hint
from provisioning.config.nodes import Node, Path, dotted, plain
from provisioning.config.references import leads_nowhere
from provisioning.model.base import Model

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from provisioning.config.problems import Problems

ModelT = TypeVar("ModelT", bound=Model)

_FINDING_CODES: Final = {
    "rule": "P204",
    "missing-field": "P202",
    "conflict": "P205",
    "one-of": "P206",
    "name": "P207",
    "twice": "P208",
    "limit": "P209",
    "traffic": "P210",
    "provider-block": "P211",
    "secret-source": "P213",
}
_TYPE_CODES: Final = {
    "value_error": "P206",
    "secret_reference": "P212",
    "address": "P214",
}
_BOUNDS: Final = {
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "string_too_short": "longer than nothing",
    "too_short": "longer than nothing",
    "int_parsing_size": "a smaller number",
    "string_pattern_mismatch": "text without control characters",
}
_WANTED: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


_REMEDIES: Final = {
    "P204": "write a value that is allowed",
    "P205": "keep one of the two",
    "P206": "name one of them, and no other",
    "P207": "give it another name",
    "P208": "keep one of the two",
    "P209": "take some out",
    "P210": "change the shares so that they add up to 100",
    "P212": "write {{secrets/<scope>/<key>}}; the value itself comes from the scope's `secrets`",
    "P213": "keep one of them",
    "P214": "write it as https://<host>/<path>, without a user or password",
}
"""What to do about a problem that has no better advice of its own."""


def build(kind: type[ModelT], node: Node, subject: str, problems: Problems) -> ModelT | None:
    """Build a model from a node.

    Args:
        kind: the model's class.
        node: the resource, with its references resolved.
        subject: what the resource is called in messages (`secret_scopes.llm`).
        problems: where everything wrong is reported.

    Returns:
        The model, or None if something was wrong.
    """
    value = plain(node)
    model, errors = _judged(kind, value)
    if _mend_numbers(errors, value, node, problems):
        model, errors = _judged(kind, value)
    for error in errors:
        _report(kind, error, node, subject, problems)
    return model


def _judged(kind: type[ModelT], value: object) -> tuple[ModelT | None, list[ErrorDetails]]:
    try:
        return kind.model_validate(value), []
    except ValidationError as error:
        return None, error.errors(include_url=False, include_input=False)


def _mend_numbers(errors: list[ErrorDetails], value: object, node: Node, problems: Problems) -> bool:
    """Put text, as it was written, where a number or boolean stands and text is wanted, as the databricks CLI does.

    Returns:
        True if anything was put right, so that the value should be judged again.
    """
    mended = False
    for error in errors:
        path = error["loc"]
        found = node.get(*path)
        if error["type"] == "string_type" and found is not None and found.text is not None and found.value is not None:
            _put(value, path, found.text)
            mended = True
            message = f"`{dotted(path)}` must be text, and is {_kind_of(found)}; it is taken as it is written"
            problems.add("P216", message, found, remedy="quote it")
    return mended


def _put(value: Any, path: Path, text: str) -> None:  # noqa: ANN401 - a tree of whatever YAML holds
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = text


def _report(kind: type[Model], error: ErrorDetails, root: Node, subject: str, problems: Problems) -> None:
    path = error["loc"]
    node, missing = _nearest(root, path)
    if problems.failed and isinstance(node.value, str) and leads_nowhere(node.value):
        return  # which was said where the reference stands
    field = dotted(path) or subject
    inside = f"{subject}.{dotted(path[:-1])}".removesuffix(".")
    context = error.get("ctx", {})
    hide = node if _may_be_secret(path) or error["type"] == "secret_reference" else None
    match error["type"]:
        case "extra_forbidden":
            name = str(path[-1])
            message = f"`{name}` is not a field of {inside}"
            hint = field_hint(name, kind, path[:-1])
            problems.add("P201", message, node.key or node.span, remedy=hint, hide=hide)
        case "missing":
            problems.add("P202", f"`{path[-1]}` is missing in {inside}", missing, remedy=f"add `{path[-1]}`")
        case "finding":
            code = _FINDING_CODES[str(context["finding_kind"])]
            remedy = str(context["finding_remedy"]) or _REMEDIES.get(code)
            about = f"`{field}`" if code == "P213" else subject
            problems.add(code, f"{about}: {error['msg']}", node, remedy=remedy, hide=hide)
        case "literal_error":
            expected = str(context.get("expected", ""))
            found = _kind_of(node) if hide or not isinstance(node.value, str) else repr(node.value)
            remedy = (None if hide else value_hint(str(node.value), expected)) or _REMEDIES["P204"]
            message = f"`{field}` must be {expected.replace('True', 'true')}, and is {found}"
            problems.add("P204", message, node, remedy=remedy, hide=hide)
        case wanted if wanted in _WANTED:
            message = f"`{field}` must be {_WANTED[wanted]}, and is {_kind_of(node)}"
            problems.add("P203", message, node, remedy=f"write {_WANTED[wanted]}", hide=hide)
        case bound if bound in _BOUNDS:
            message = f"`{field}` must be {_BOUNDS[bound].format_map(context)}"
            problems.add("P204", message, node, remedy=_REMEDIES["P204"], hide=hide)
        case other:
            message = error["msg"].removeprefix("Value error, ")
            message = message[:1].lower() + message[1:]
            code = _TYPE_CODES.get(other, "P204")
            problems.add(code, f"`{field}`: {message}", node, remedy=_REMEDIES.get(code), hide=hide)


def _nearest(root: Node, path: Path) -> tuple[Node, Node]:
    """Return the node at a path, or the deepest one on the way; and the deepest one above the path's end."""
    node = parent = root
    for step in path:
        parent = node
        child = node.child(step)
        if child is None:
            return node, node
        node = child
    return node, parent


def _may_be_secret(path: Path) -> bool:
    return any(isinstance(step, str) and step.endswith("_plaintext") for step in path) or "secrets" in path[:1]


def _kind_of(node: Node) -> str:
    match node.value:
        case None:
            return "empty"
        case bool() as truth:
            return str(truth).lower()
        case int():
            return "a number"
        case float():
            return "a fraction"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a mapping"
