"""Nodes to models: pydantic judges, and each of its complaints gets a code, a place and a remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from provisioning.config.nodes import Node, Path, dotted, plain
from provisioning.config.references import REFERENCE, WORKSPACE_FACTS
from provisioning.model.base import Model
from provisioning.model.rules import did_you_mean

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
}
_TYPE_CODES: Final = {
    "missing": "P202",
    "literal_error": "P204",
    "greater_than_equal": "P204",
    "less_than_equal": "P204",
    "string_too_short": "P204",
    "too_short": "P204",
    "value_error": "P206",
    "secret_reference": "P212",
    "secret_source": "P213",
    "address": "P214",
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
_FORMER_NAMES: Final = {
    "aws-bedrock": "amazon-bedrock",
    "aws_bedrock_config": "amazon_bedrock_config",
    "bedrock_access_key_id": "aws_access_key_id",
    "bedrock_secret_access_key": "aws_secret_access_key",
    "vertex-ai": "google-cloud-vertex-ai",
    "azure-openai": "openai (with openai_api_type: azure)",
    "CAN_READ": "CAN_VIEW",
    "CAN_USE": "CAN_QUERY",
    "CAN_RUN": "CAN_QUERY",
    "VIEW": "READ",
}
"""Names from the previews and from other objects that people still write, and what they are called here."""


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
            problems.add("P216", f"`{dotted(path)}` is text; it is taken as it is written", found, remedy="quote it")
    return mended


def _put(value: Any, path: Path, text: str) -> None:  # noqa: ANN401 - a tree of whatever YAML holds
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = text


def _report(kind: type[BaseModel], error: ErrorDetails, root: Node, subject: str, problems: Problems) -> None:
    path = error["loc"]
    node, missing = _nearest(root, path)
    if problems.failed and _leads_nowhere(node):
        return  # which was said where the reference stands
    field = dotted(path)
    secret = _may_be_secret(path)
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            name = str(path[-1])
            known = _fields_at(kind, path[:-1])
            former = _FORMER_NAMES.get(name)
            near = former if former in known else did_you_mean(name, known)
            remedy: str | None = f"did you mean `{near}`?" if near else f"the fields are {', '.join(sorted(known))}"
            where = f"{subject}.{dotted(path[:-1])}".removesuffix(".")
            problems.add(
                "P201", f"`{name}` is not a field of {where}", node.key or node.span, remedy=remedy, secret=secret
            )
        case "missing":
            where = f"{subject}.{dotted(path[:-1])}".removesuffix(".")
            problems.add("P202", f"`{path[-1]}` is missing in {where}", missing, remedy=f"add `{path[-1]}`")
        case "finding":
            code = _FINDING_CODES[str(context["finding_kind"])]
            remedy = str(context["finding_remedy"]) or None
            problems.add(code, f"{subject}: {error['msg']}", node, remedy=remedy, secret=secret)
        case "literal_error":
            expected = str(context.get("expected", ""))
            written = "" if secret else str(node.value)
            near = (
                _FORMER_NAMES.get(written)
                if f"'{_FORMER_NAMES.get(written)}'" in expected
                else _near_literal(written, expected)
            )
            remedy = f"did you mean {near}?" if near else f"write {expected}"
            problems.add("P204", f"`{field}` is {expected}, not {written!r}", node, remedy=remedy, secret=secret)
        case wanted if wanted in _WANTED:
            problems.add("P203", f"`{field}` must be {_WANTED[wanted]}, and is {_kind_of(node)}", node, secret=secret)
        case other:
            message = error["msg"].removeprefix("Value error, ")
            message = message[:1].lower() + message[1:]
            problems.add(
                _TYPE_CODES.get(other, "P204"),
                f"`{field}`: {message}" if field else f"{subject}: {message}",
                node,
                secret=secret or other in {"secret_reference", "secret_source"},
            )


def _leads_nowhere(node: Node) -> bool:
    references = REFERENCE.findall(node.value) if isinstance(node.value, str) else []
    return any(each not in WORKSPACE_FACTS for each in references)


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


def _fields_at(kind: type[BaseModel], path: Path) -> set[str]:
    """List the fields of the model that a path leads to."""
    current: set[type[BaseModel]] = {kind}
    for step in path:
        if isinstance(step, int):
            continue
        found: set[type[BaseModel]] = set()
        for each in current:
            info = each.model_fields.get(step)
            found |= _models_in(info.annotation) if info is not None else set()
        current = found or current
    return {name for each in current for name in each.model_fields}


def _models_in(annotation: object) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    inner = get_args(annotation)
    return {model for each in inner for model in _models_in(each)}


def _near_literal(written: str, expected: str) -> str | None:
    words = [word.strip("' ") for word in expected.replace(" or ", ",").split(",")]
    by_case = {word.casefold(): word for word in words}
    return by_case.get(written.casefold()) or did_you_mean(written, words)


def _may_be_secret(path: Path) -> bool:
    return any(isinstance(step, str) and step.endswith("_plaintext") for step in path) or "secrets" in path[:1]


def _kind_of(node: Node) -> str:
    match node.value:
        case None:
            return "empty"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a mapping"
