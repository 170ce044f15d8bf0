"""Where providers are: at their public hosts when the workspace is live, else in the built-in simulators."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

OPENAI_BASE = "https://api.openai.com/v1"
ENTRA_AUTHORITY = "https://login.microsoftonline.com"
GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
_PUBLIC_HOSTS = (
    "api.openai.com",
    ".openai.azure.com",
    ".cognitiveservices.azure.com",
    ".services.ai.azure.com",
    "api.cohere.com",
    "api.cohere.ai",
)


@dataclass(frozen=True, slots=True)
class Bases:
    """Where providers are when a config doesn't say, or says their public host.

    Attributes:
        simulator: The base URL of the simulators without a path; None in live mode.
        allowed_hosts: Public hosts that are really called although the rest is simulated.
        entra: The issuer of tokens for `azuread` that the operator set, or None.
        moved: Base URLs that the operator set, by provider: never a config's author, who would choose where a
            key goes.
    """

    simulator: str | None
    allowed_hosts: frozenset[str] = frozenset()
    entra: str | None = None
    moved: Mapping[str, str] = field(default_factory=dict)

    @property
    def entra_authority(self) -> str:
        """The base URL of Microsoft Entra."""
        return self.entra or (ENTRA_AUTHORITY if self.simulator is None else f"{self.simulator}/entra")

    @property
    def google_tokens(self) -> str:
        """Where Google's tokens are issued."""
        return self._public(GOOGLE_TOKENS, simulated="google/token")

    def openai(self, configured: str | None) -> str:
        """The base URL for OpenAI's own API, `/v1` included."""
        if self.simulator is not None and (configured is None or self._is_simulated(configured)):
            return f"{self.simulator}/v1"
        return (configured or OPENAI_BASE).rstrip("/")

    def azure(self, configured: str) -> str:
        """The base URL for an Azure resource."""
        return self.configured(configured, simulated="")

    def configured(self, url: str, *, simulated: str) -> str:
        """The base URL for a provider whose config names one.

        Args:
            url: What the config says.
            simulated: The path of the provider's simulator, for its public hosts.
        """
        if self.simulator is not None and self._is_simulated(url):
            return f"{self.simulator}/{simulated}".rstrip("/")
        return url.rstrip("/")

    def of_provider(self, provider: str, *, host: str, simulated: str) -> str:
        """The base URL for a provider whose config names none.

        Args:
            provider: The provider's name as Databricks writes it.
            host: Its public host.
            simulated: The path of its simulator.
        """
        if provider in self.moved:
            return self.moved[provider].rstrip("/")
        return self._public(f"https://{host}", simulated=simulated)

    def _public(self, url: str, *, simulated: str) -> str:
        if self.simulator is None or urlsplit(url).hostname in self.allowed_hosts:
            return url
        return f"{self.simulator}/{simulated}"

    def _is_simulated(self, url: str) -> bool:
        host = _public_host(url)
        return host is not None and host not in self.allowed_hosts


@lru_cache(maxsize=512)
def _public_host(url: str) -> str | None:
    """The provider's own host that a URL names, or None."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:  # unreadable: who dials it says so
        return None
    is_public = any(host == known.lstrip(".") or (known[0] == "." and host.endswith(known)) for known in _PUBLIC_HOSTS)
    return host if is_public else None
