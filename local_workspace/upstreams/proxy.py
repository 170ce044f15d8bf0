"""Calls to external models: from a served entity and a caller's body to the upstream's response."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import aiohttp

from local_workspace.upstreams import errors, request_bodies
from local_workspace.upstreams.addresses import AddressPolicy
from local_workspace.upstreams.destinations import ENTRA_AUTHORITY, Bases, EntraCredential, destination
from local_workspace.upstreams.dial import Dialer
from local_workspace.upstreams.entra import EntraTokens
from local_workspace.upstreams.errors import UpstreamUnavailableError
from local_workspace.upstreams.hops import HEADER as HOPS
from local_workspace.upstreams.relay import LARGEST_ANSWER
from local_workspace.upstreams.simulators import openai as openai_simulator
from local_workspace.upstreams.simulators.server import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.settings import Settings
    from local_workspace.upstreams.destinations import Destination

Resolve: TypeAlias = Callable[[str], str]
"""Reads the value that a secret reference stands for; called once for each call, as late as can be."""

_LARGEST_ERROR = 64 * 1024
_REDIRECTS = range(300, 400)
_BODY_HEADERS = (("Content-Type", "application/json"), ("Accept-Encoding", "identity"))


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


class Proxy:
    """Calls upstreams; owns their connections, the simulator and the Entra tokens.

    Args:
        settings: Where upstreams may be, and whether they are simulated.
        now: The time in seconds since the epoch.
    """

    def __init__(self, settings: Settings, *, now: Callable[[], float]) -> None:
        self._settings = settings
        self._now = now
        self._allowed = frozenset(host.lower() for host in settings.allow_upstream)
        is_live = settings.upstreams == "live"
        self._dialer = Dialer(AddressPolicy(allowed_hosts=self._allowed, is_live=is_live))
        self._entra = EntraTokens(self._dialer, now=now)
        self._simulator: LoopbackServer | None = None
        self._simulator_base: str | None = None
        self._starting = asyncio.Lock()

    async def call(
        self, model: Mapping[str, Any], body: Mapping[str, Any], *, path: str, resolve: Resolve, hops: int
    ) -> aiohttp.ClientResponse | UpstreamError:
        """Call an external model.

        Args:
            model: A served entity's `external_model`.
            body: What the caller sent, checked.
            path: The API's path after its base (`chat/completions`).
            resolve: Reads a secret reference's value.
            hops: How many workspaces the call passes through, this one included.

        Returns:
            The upstream's response with its body unread, which the caller must close; or its refusal.

        Raises:
            ApiError: The provider is not spoken to, or its config lacks something.
            AddressRefusedError: The config's host may not be called.
            UnresolvedSecretError: The key cannot be read.
        """
        where = destination(model, path=path, bases=await self._bases())
        asked_for = None if where.provider == "databricks-model-serving" else where.model
        payload = request_bodies.for_upstream(body, model=asked_for)
        reached = await self._send(where, payload, resolve, hops=hops)
        if isinstance(reached, UpstreamUnavailableError):
            return UpstreamError(reached.status, errors.wrapped(where.provider, {"message": str(reached)}))
        if reached.status < _REDIRECTS.start:
            return _bounded(reached, where)
        async with reached:
            if reached.status in _REDIRECTS:
                told = {"message": f"the upstream redirects (HTTP {reached.status}); redirects are not followed"}
                return UpstreamError(502, errors.wrapped(where.provider, told))
            said = await _read_error(reached)
        told = errors.passed_on(where.provider, said, secrets=(resolve(where.credential.reference),))
        return UpstreamError(reached.status, told, reached.headers.get("Retry-After"))

    async def aclose(self) -> None:
        """Close the connections and stop the simulator."""
        await self._dialer.aclose()
        if self._simulator is not None:
            await self._simulator.stop()
            self._simulator = None
            self._simulator_base = None

    async def _send(
        self, where: Destination, payload: bytes, resolve: Resolve, *, hops: int
    ) -> aiohttp.ClientResponse | UpstreamUnavailableError:
        """Send one request. The key stands in this frame alone, and failures leave it as values, not tracebacks."""
        headers = dict((*_BODY_HEADERS, *where.headers))
        credential = where.credential
        try:
            if isinstance(credential, EntraCredential):
                token = await self._entra.token(
                    credential, authority=await self._authority(), secret=resolve(credential.reference)
                )
                headers["Authorization"] = f"Bearer {token}"
            else:
                headers[credential.header] = credential.prefix + resolve(credential.reference)
            headers[HOPS] = str(hops)
            return await self._dialer.post(where.url, headers=headers, body=payload)
        except UpstreamUnavailableError as error:
            return UpstreamUnavailableError(str(error), status=error.status)
        except TimeoutError:
            return UpstreamUnavailableError("the upstream did not answer in time", status=504)
        except aiohttp.ClientError as error:
            return UpstreamUnavailableError(f"the upstream could not be reached ({type(error).__name__})")
        except ValueError:
            return UpstreamUnavailableError("the key cannot be sent: it holds a line break", status=400)

    async def _bases(self) -> Bases:
        if self._settings.upstreams == "live":
            return Bases(simulator=None)
        return Bases(simulator=await self._simulated(), allowed_hosts=self._allowed)

    async def _authority(self) -> str:
        if self._settings.entra_authority is not None:
            return self._settings.entra_authority
        return ENTRA_AUTHORITY if self._settings.upstreams == "live" else f"{await self._simulated()}/entra"

    async def _simulated(self) -> str:
        """The simulator's base URL; the first call starts it."""
        if self._simulator_base is None:
            async with self._starting:
                if self._simulator_base is None:
                    app = openai_simulator.create_app(now=self._now, key=self._settings.simulated_key)
                    self._simulator = LoopbackServer(app)
                    self._simulator_base = await self._simulator.start()
        return self._simulator_base


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
