"""How a model says what its fields must satisfy together.

A rule reads the mapping *before* its fields are parsed and yields a finding for each breach, so that a config
with a bad field and a broken rule hears of both in one run: pydantic's own "after" validators would stay silent
as soon as any field below them failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from provisioning.model.base import Model

if TYPE_CHECKING:
    from collections.abc import Iterable

_SYMBOLIC = re.compile(r"\$\{[^{}]*\}")
"""A reference that only a workspace can resolve; it stays in the text until then."""


_LONGEST_WORD = 100
_MOST_WORDS = 500


@dataclass(frozen=True)
class Finding:
    """One breach of a rule.

    Attributes:
        message: what is wrong, in one sentence without a full stop; never quotes what may be a secret.
        at: the path of the offending field, below the model that found it; empty for the model itself.
        remedy: what to write instead.
        kind: the stable name that diagnostics give their code by.
        absence: True if something is missing; not reported where an unknown field beside it is, most
            likely, that very thing misspelt.
    """

    message: str
    at: tuple[str | int, ...] = ()
    remedy: str | None = None
    kind: str = "rule"
    absence: bool = False


class RuledModel(Model):
    """A model whose fields must also fit together."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Yield each breach of this model's rules.

        Args:
            raw: the fields as written. A value of the wrong type is the field's own error: skip it here.
        """
        del raw
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _report_everything(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        found = list(cls.findings(value)) if isinstance(value, Mapping) else []
        try:
            made = handler(value)
        except ValidationError as error:
            if any(each["type"] == "extra_forbidden" and len(each["loc"]) == 1 for each in error.errors()):
                found = [each for each in found if not each.absence]
            lines = _kept(error) + [_as_line(each) for each in found]
            raise ValidationError.from_exception_data(cls.__name__, lines) from None
        if found:
            raise ValidationError.from_exception_data(cls.__name__, [_as_line(each) for each in found])
        return made


def fields_of(value: object) -> Mapping[str, object]:
    """Read a value as a mapping of the fields that were given: a mapping, a model, or else nothing."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, Model):
        return {name: getattr(value, name) for name in value.model_fields_set}
    return {}


def items_of(value: object) -> Sequence[object]:
    """Read a value as a list; what is no list counts as empty."""
    return value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else ()


def text_in(raw: Mapping[str, object], name: str) -> str | None:
    """Read a field as text; what is none counts as absent."""
    value = raw.get(name)
    return value if isinstance(value, str) else None


def given(raw: Mapping[str, object], names: Iterable[str]) -> list[str]:
    """List which of the fields hold something other than null."""
    return [name for name in names if raw.get(name) is not None]


def exactly_one(raw: Mapping[str, object], names: Sequence[str]) -> Iterator[Finding]:
    """Find out whether exactly one of the fields is given."""
    present = given(raw, names)
    if len(present) == 1:
        return
    listed = " and ".join((", ".join(names[:-1]), names[-1]))
    if not present:
        yield Finding(
            f"exactly one of {listed} is needed, and none is given",
            kind="one-of",
            remedy=f"add `{names[0]}`",
            absence=True,
        )
    else:
        yield Finding(
            f"exactly one of {listed} may be given", at=(present[1],), kind="one-of", remedy="remove all but one"
        )


def needs(raw: Mapping[str, object], names: Iterable[str], *, because: str) -> Iterator[Finding]:
    """Find the fields that are missing.

    Args:
        raw: the fields as written.
        names: the fields that must be there.
        because: completes "`x` is needed ..." (`with openai_api_type azure`).
    """
    for name in names:
        if raw.get(name) is None:
            yield Finding(f"`{name}` is needed {because}", kind="missing-field", remedy=f"add `{name}`", absence=True)


def refuses(raw: Mapping[str, object], names: Iterable[str], *, because: str) -> Iterator[Finding]:
    """Find the fields that may not be there, not even as 0 or false: the server rejects those too.

    Args:
        raw: the fields as written.
        names: the fields that must be absent.
        because: completes "`x` cannot be given ...".
    """
    for name in given(raw, names):
        yield Finding(f"`{name}` cannot be given {because}", at=(name,), kind="conflict", remedy=f"remove `{name}`")


def name_finding(raw: Mapping[str, object], *, pattern: str, longest: int, allowed: str) -> Iterator[Finding]:
    """Find out whether `name` keeps to the server's rule for names, as far as it is known offline.

    Args:
        raw: the fields as written.
        pattern: what the whole name must match.
        longest: how many characters it may have.
        allowed: the rule in words.
    """
    name = raw.get("name")
    if not isinstance(name, str):
        return
    known = _SYMBOLIC.sub("x", name)
    if re.fullmatch(pattern, known, re.ASCII) is None or len(known) > longest:
        yield Finding(f"the name may hold {allowed}, at most {longest} characters", at=("name",), kind="name")


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return the nearest known word, if one is near."""
    words = list(known)
    if len(word) > _LONGEST_WORD or len(words) > _MOST_WORDS:
        return None  # nobody mistypes these, and comparing them would take seconds
    from difflib import get_close_matches  # noqa: PLC0415 - configs that are right never need it

    near = get_close_matches(word, words, n=1, cutoff=0.6)
    return near[0] if near else None


def finding_error(finding: Finding) -> PydanticCustomError:
    """Return a finding in the form in which a validator raises it."""
    context: dict[str, object] = {"finding_kind": finding.kind, "finding_remedy": finding.remedy or ""}
    return PydanticCustomError("finding", finding.message, context)


def _as_line(finding: Finding) -> InitErrorDetails:
    return InitErrorDetails(type=finding_error(finding), loc=finding.at, input=None)


def _kept(error: ValidationError) -> list[InitErrorDetails]:
    """Rebuild an error's lines: pydantic gives them out in one form and takes them back in another."""
    return [
        InitErrorDetails(
            type=PydanticCustomError(each["type"], each["msg"], each.get("ctx")), loc=each["loc"], input=None
        )
        for each in error.errors(include_url=False, include_input=False)
    ]
