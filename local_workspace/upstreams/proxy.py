"""Calls to external models: from a served entity and a caller's body to the upstream's response."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams import request_bodies
from local_workspace.upstreams.addresses import AddressPolicy
from local_workspace.upstreams.bases import Bases
from local_workspace.upstreams.destinations import destination
from local_workspace.upstreams.dial import Dialer
from local_workspace.upstreams.sender import Sender
from local_workspace.upstreams.simulators import providers as simulated_providers
from local_workspace.upstreams.simulators.server import LoopbackServer
from local_workspace.upstreams.translated import origins
from local_workspace.upstreams.translated.extra import missing_extra

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp import ClientResponse

    from local_workspace.settings import Settings
    from local_workspace.upstreams.sender import Resolve, UpstreamError
    from local_workspace.upstreams.translated.answers import Translated
    from local_workspace.upstreams.translated.translator import Translator

_TRANSLATOR = "local_workspace.upstreams.translated.translator"
_BODY_HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity"}


class Proxy:
    """Calls upstreams; owns their connections, the simulators and the providers' clients.

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
        self._sender = Sender(self._dialer, now=now)
        self._translator: Translator | None = None
        self._simulators: LoopbackServer | None = None
        self._bases: Bases | None = None
        self._starting = asyncio.Lock()

    async def call(
        self, model: Mapping[str, Any], body: Mapping[str, Any], *, path: str, resolve: Resolve, hops: int
    ) -> ClientResponse | Translated | UpstreamError:
        """Call an external model.

        Args:
            model: A served entity's `external_model`.
            body: What the caller sent, checked.
            path: The API's path after its base (`chat/completions`), or what Gemini's own calls do to a model
                (`generateContent`).
            resolve: Reads a secret reference's value.
            hops: How many workspaces the call passes through, this one included.

        Returns:
            The upstream's response with its body unread, which the caller must close; an answer that was
            translated from the provider's wire format; or a refusal.

        Raises:
            ApiError: The provider is not spoken to, or its config lacks something.
            AddressRefusedError: The config's host may not be called.
            UnresolvedSecretError: The key cannot be read.
        """
        bases = self._bases or await self._opened_bases()
        if origins.is_translated(model, path=path):
            where = origins.origin(model, path=path, bases=bases)
            translator = await self._opened_translator()
            return await translator.call(where, body, path=path, resolve=resolve, hops=hops)
        if path in origins.GEMINI_PATHS:
            where, asked_for = origins.gemini(model, path=path, bases=bases), None
        else:
            where = destination(model, path=path, bases=bases)
            asked_for = None if where.provider == "databricks-model-serving" else where.model
        payload = request_bodies.for_upstream(body, model=asked_for)
        return await self._sender.send(where, payload, headers=_BODY_HEADERS, resolve=resolve, hops=hops)

    async def aclose(self) -> None:
        """Close the connections and stop the simulators."""
        if self._translator is not None:
            await self._translator.aclose()
            self._translator = None
        await self._dialer.aclose()
        if self._simulators is not None:
            await self._simulators.stop()
            self._simulators = None
        self._bases = None

    async def _opened_translator(self) -> Translator:
        """The providers' own clients; loaded by the first call that needs one, and not in the event loop."""
        async with self._starting:
            if self._translator is None:
                try:
                    module = await asyncio.to_thread(importlib.import_module, _TRANSLATOR)
                except ImportError as missing:
                    raise missing_extra(missing) from missing
                self._translator = module.Translator(self._sender, now=self._now)
        return self._translator

    async def _opened_bases(self) -> Bases:
        """Where providers are; the first call starts the simulators."""
        async with self._starting:
            if self._bases is None:
                self._bases = Bases(
                    simulator=None if self._settings.upstreams == "live" else await self._simulated(),
                    allowed_hosts=self._allowed,
                    entra=self._settings.entra_authority,
                    moved=dict(self._settings.upstream_urls),
                )
        return self._bases

    async def _simulated(self) -> str:
        """Start the simulators and return their base URL."""
        app = simulated_providers.create_app(now=self._now, key=self._settings.simulated_key)
        self._simulators = LoopbackServer(app)
        return await self._simulators.start()
