"""Send one request to a provider: with its credential, and whatever comes of it as a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import aiohttp

from local_workspace.upstreams import aws_signing, entra, errors, google_tokens
from local_workspace.upstreams.credentials import AwsCredential, EntraCredential, GoogleCredential, HeaderCredential
from local_workspace.upstreams.errors import UpstreamUnavailableError
from local_workspace.upstreams.hops import HEADER as HOPS
from local_workspace.upstreams.relay import LARGEST_ANSWER
from local_workspace.upstreams.token_exchange import TokenExchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.upstreams.destinations import Destination
    from local_workspace.upstreams.dial import Dialer

Resolve: TypeAlias = Callable[[str], str]
"""Reads the value that a secret reference stands for; called once for each call, as late as can be."""

_LARGEST_ERROR = 64 * 1024
_REDIRECTS = range(300, 400)


@dataclass(frozen=True, slots=True)
class UpstreamError:
    """An upstream's refusal, ready to be passed on.

    Attributes:
        status: The upstream's HTTP status.
        body: What the caller gets.
        retry_after: The upstream's `Retry-After`, if it sent one.
    """

    status: int
    body: Mapping[str, Any]
    retry_after: str | None = None


class Sender:
    """Sends requests to providers; keeps the tokens that were exchanged for secrets, and no secret.

    Args:
        dialer: The way out.
        now: The time in seconds since the epoch.
    """

    def __init__(self, dialer: Dialer, *, now: Callable[[], float]) -> None:
        self._dialer = dialer
        self._now = now
        self._exchange = TokenExchange(dialer, now=now)

    async def send(
        self, where: Destination, payload: bytes, *, headers: Mapping[str, str], resolve: Resolve, hops: int
    ) -> aiohttp.ClientResponse | UpstreamError:
        """Send one request.

        Args:
            where: Where to, and with which credential.
            payload: The body.
            headers: Headers beside the destination's own and the credential's.
            resolve: Reads a secret reference's value.
            hops: How many workspaces the call passes through, this one included.

        Returns:
            The upstream's response with its body unread, which the caller must close; or its refusal.

        Raises:
            AddressRefusedError: The host may not be called.
            UnresolvedSecretError: The key cannot be read.
        """
        open_headers = {**headers, **dict(where.headers), HOPS: str(hops)}
        reached = await self._post(where, payload, open_headers, resolve)
        if isinstance(reached, UpstreamUnavailableError):
            return UpstreamError(reached.status, errors.wrapped(where.provider, {"message": str(reached)}))
        if reached.status < _REDIRECTS.start:
            return _bounded(reached, where)
        async with reached:
            if reached.status in _REDIRECTS:
                told = {"message": f"the upstream redirects (HTTP {reached.status}); redirects are not followed"}
                return UpstreamError(502, errors.wrapped(where.provider, told))
            said = await _read_error(reached)
        told = errors.passed_on(where.provider, said, secrets=[resolve(each) for each in where.credential.references])
        return UpstreamError(reached.status, told, reached.headers.get("Retry-After"))

    async def _post(
        self, where: Destination, payload: bytes, headers: Mapping[str, str], resolve: Resolve
    ) -> aiohttp.ClientResponse | UpstreamUnavailableError:
        """The key stands in this frame and those it calls, and failures leave it as values, not tracebacks."""
        try:
            return await self._dialer.post(
                where.url,
                headers=await self._with_credential(where, payload, headers, resolve),
                body=payload,
                verbatim=isinstance(where.credential, AwsCredential),
            )
        except UpstreamUnavailableError as error:
            return UpstreamUnavailableError(str(error), status=error.status)
        except TimeoutError:
            return UpstreamUnavailableError("the upstream did not answer in time", status=504)
        except aiohttp.ClientError as error:
            return UpstreamUnavailableError(f"the upstream could not be reached ({type(error).__name__})")
        except ValueError:
            return UpstreamUnavailableError("the key cannot be sent: it holds a line break", status=400)

    async def _with_credential(
        self, where: Destination, payload: bytes, headers: Mapping[str, str], resolve: Resolve
    ) -> Mapping[str, str]:
        match where.credential:
            case HeaderCredential(header=header, reference=reference, prefix=prefix):
                return {**headers, header: prefix + resolve(reference)}
            case EntraCredential() as client:
                token = await entra.token(client, exchange=self._exchange, secret=resolve(client.reference))
                return {**headers, "Authorization": f"Bearer {token}"}
            case GoogleCredential() as account:
                token = await google_tokens.token(
                    account, exchange=self._exchange, key=resolve(account.reference), now=self._now
                )
                return {**headers, "Authorization": f"Bearer {token}"}
            case AwsCredential() as key:
                return aws_signing.signed(
                    where.url,
                    headers=headers,
                    body=payload,
                    access_key=resolve(key.access_key),
                    secret_key=resolve(key.secret_key),
                    region=key.region,
                )


def _bounded(reached: aiohttp.ClientResponse, where: Destination) -> aiohttp.ClientResponse | UpstreamError:
    """Refuse an answer that says beforehand that it is too large; `relay` bounds those that don't."""
    if (reached.content_length or 0) <= LARGEST_ANSWER:
        return reached
    reached.close()
    return UpstreamError(502, errors.wrapped(where.provider, {"message": "the upstream's answer is too large"}))


async def _read_error(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.content.read(_LARGEST_ERROR)
    except (aiohttp.ClientError, TimeoutError):
        return b""
