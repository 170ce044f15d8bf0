"""How a call to a provider proves who it is: which secrets it carries, and in what form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class HeaderCredential:
    """A secret that is sent as a header.

    Attributes:
        header: The header's name.
        reference: The secret's reference; the value is read when the call is made.
        prefix: What stands before the value.
    """

    header: str
    reference: str
    prefix: str = ""

    @property
    def references(self) -> tuple[str, ...]:
        """The references of the secrets that the call carries."""
        return (self.reference,)


@dataclass(frozen=True, slots=True)
class EntraCredential:
    """A client whose secret Microsoft Entra exchanges for a bearer token.

    Attributes:
        authority: Base URL of the issuer.
        tenant: The directory's id.
        client: The application's id.
        reference: The client secret's reference.
    """

    authority: str
    tenant: str
    client: str
    reference: str

    @property
    def references(self) -> tuple[str, ...]:
        """The references of the secrets that the call carries."""
        return (self.reference,)


@dataclass(frozen=True, slots=True)
class GoogleCredential:
    """A service account whose key signs an assertion that Google exchanges for a bearer token.

    Attributes:
        reference: The reference of the key, Google's JSON document.
        tokens: Where tokens are issued.
        audience: What the assertion says it is for: Google's own address, wherever the issuer is.
    """

    reference: str
    tokens: str
    audience: str

    @property
    def references(self) -> tuple[str, ...]:
        """The references of the secrets that the call carries."""
        return (self.reference,)


@dataclass(frozen=True, slots=True)
class AwsCredential:
    """An access key that signs the request.

    Attributes:
        access_key: The reference of the access key's id.
        secret_key: The reference of the secret access key.
        region: The region that the signature is good for.
    """

    access_key: str
    secret_key: str
    region: str

    @property
    def references(self) -> tuple[str, ...]:
        """The references of the secrets that the call carries."""
        return (self.access_key, self.secret_key)


Credential: TypeAlias = HeaderCredential | EntraCredential | GoogleCredential | AwsCredential
