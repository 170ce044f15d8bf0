"""Kinds of values that several models share: references to secrets, plaintext keys, addresses, counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, SecretStr, SerializationInfo
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Callable

REVEAL = {"reveal_plaintext": True}
"""The serialization context under which `*_plaintext` fields are dumped as they are: for a request's body, and
for nothing else (`model.model_dump(mode="json", exclude_unset=True, context=REVEAL)`)."""

_PART = r"((?:[^/{}]|\$\{[^{}]*\})+)"  # a `${workspace...}` in it is filled in once the workspace is known
_SYMBOLIC = re.compile(r"\$\{[^{}]*\}")
_SYMBOLIC_HOST = re.compile(r"\A\$\{workspace\.host\}")  # what it stands for has a scheme
_HOST = re.compile(r"[\w.:-]+")
_REFERENCE = re.compile(rf"\{{\{{secrets/{_PART}/{_PART}\}}\}}")


class SecretKey(NamedTuple):
    """The scope and the key that `{{secrets/scope/key}}` names."""

    scope: str
    key: str


def references_in(text: str) -> tuple[SecretKey, ...]:
    """List the secrets that a text refers to, in order."""
    return tuple(SecretKey(*match) for match in _REFERENCE.findall(text))


def with_keys(text: str, key_of: Callable[[SecretKey], str]) -> str:
    """Return a text whose references lead to other keys of the same scopes.

    Args:
        text: any text.
        key_of: the key for each reference.
    """
    if "{{" not in text:
        return text
    return _REFERENCE.sub(lambda found: f"{{{{secrets/{found[1]}/{key_of(SecretKey(found[1], found[2]))}}}}}", text)


def _is_reference(text: str) -> str:
    if _REFERENCE.fullmatch(text) is None:
        # A key pasted here would be stored in plain text as the endpoint's config: the text is not repeated.
        raise PydanticCustomError("secret_reference", "a reference of the form {{secrets/scope/key}} is needed")
    return text


def address_fault(text: str) -> str | None:
    """Say what keeps a text from being an http(s) address, as far as it is known offline; None if nothing does.

    Args:
        text: the address; a `${workspace.host}` in it stands for one, and other references for a part.
    """
    known = _SYMBOLIC.sub("x", _SYMBOLIC_HOST.sub("https://x", text))
    wanted = "an address that starts with https:// (or http://) is needed"
    try:
        parts = urlsplit(known)
        if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(parts.hostname or "") or parts.port == 0:
            return wanted
    except ValueError:  # brackets without an end, or a port that is no number
        return wanted
    if parts.username is not None or parts.password is not None:
        return "the address holds a credential; give it by a secret reference"
    return None


def _is_address(text: str) -> str:
    if (fault := address_fault(text)) is not None:
        raise PydanticCustomError("address", fault)
    return text


def _no_truth(value: object) -> object:
    if isinstance(value, bool):  # pydantic takes `true` for 1: a limit of one call a minute
        raise PydanticCustomError("int_type", "a whole number is needed")
    return value


def _masked_unless_revealed(value: SecretStr, info: SerializationInfo) -> str:
    context = info.context
    revealed = isinstance(context, dict) and context.get("reveal_plaintext") is True
    return value.get_secret_value() if revealed else str(value)


SecretReference: TypeAlias = Annotated[str, AfterValidator(_is_reference)]
"""`{{secrets/scope/key}}`: the workspace reads the value itself, when the endpoint is called."""

Plaintext: TypeAlias = Annotated[SecretStr, PlainSerializer(_masked_unless_revealed, return_type=str)]
"""A credential given in the clear. Masked wherever it is shown; the workspace never returns it."""

HttpAddress: TypeAlias = Annotated[str, AfterValidator(_is_address)]
"""An http or https address, without a credential in it."""

Count: TypeAlias = Annotated[int, Field(ge=0, le=2**63 - 1), BeforeValidator(_no_truth)]
"""A whole number of something, as large as the API's (an int64)."""
