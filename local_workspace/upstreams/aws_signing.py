"""AWS' signature of a request (version 4), by AWS' own library: what Bedrock checks in place of a key."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_SERVICE = "bedrock"
_NOT_CARRIED_ON = {"content-length"}  # what the connection writes itself


def signed(
    url: str, *, headers: Mapping[str, str], body: bytes, access_key: str, secret_key: str, region: str
) -> dict[str, str]:
    """Return a POST's headers with its signature.

    Args:
        url: The full URL, as it will be sent: its path is part of what is signed.
        headers: The headers so far; each is signed.
        body: The body.
        access_key: The access key's id.
        secret_key: The secret access key.
        region: The region.
    """
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - part of an extra, and slow to load

    request = AWSRequest(method="POST", url=url, headers=dict(headers), data=body)
    _signer(access_key, secret_key, region).add_auth(request)
    return {name: value for name, value in request.headers.items() if name.lower() not in _NOT_CARRIED_ON}


def is_signed_with(secret_key: str, *, url: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a request's `Authorization` was made with this secret access key.

    Args:
        secret_key: The secret access key.
        url: The full URL, as it arrived.
        headers: All headers, names in lower case.
        body: The body.
    """
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - as above

    fields = authorization(headers)
    covered = {name: headers[name] for name in fields["SignedHeaders"].split(";") if name in headers}
    access_key, _, region, *_ = fields["Credential"].split("/")
    request = AWSRequest(method="POST", url=url, headers=covered, data=body)
    request.context["timestamp"] = headers.get("x-amz-date", "")
    signer = _signer(access_key, secret_key, region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return hmac.compare_digest(signer.signature(text, request).encode(), fields["Signature"].encode())


def authorization(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a version 4 `Authorization` header: Credential, SignedHeaders and Signature.

    Raises:
        ValueError: It is another header, or none.
    """
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    fields = {name: value for name, _, value in (each.strip().partition("=") for each in rest.split(","))}
    if scheme != "AWS4-HMAC-SHA256" or fields.keys() != {"Credential", "SignedHeaders", "Signature"}:
        raise ValueError("no version 4 signature")
    return fields


def _signer(access_key: str, secret_key: str, region: str) -> Any:  # noqa: ANN401 - botocore has no types
    from botocore.auth import SigV4Auth  # noqa: PLC0415 - as above
    from botocore.credentials import Credentials  # noqa: PLC0415 - as above

    return SigV4Auth(Credentials(access_key, secret_key), _SERVICE, region)
