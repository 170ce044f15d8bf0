"""All the simulated providers as one application; each under a path of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from local_workspace.upstreams.simulators import anthropic, bedrock, cohere, openai, vertex
from local_workspace.upstreams.simulators.entra import EntraSimulator
from local_workspace.upstreams.simulators.google import GoogleSimulator

if TYPE_CHECKING:
    from collections.abc import Callable


def create_app(*, now: Callable[[], float], key: str | None = None) -> Starlette:
    """Build the simulators.

    Args:
        now: The time that answers carry, in seconds since the epoch.
        key: The only key to accept; None accepts any that looks like the provider's.
    """
    entra, google = EntraSimulator(now=now), GoogleSimulator(now=now)
    return Starlette(
        routes=[
            Route("/entra/{tenant}/oauth2/v2.0/token", entra.answer, methods=["POST"]),
            Route("/google/token", google.answer, methods=["POST"]),
            Mount("/anthropic", anthropic.create_app(key=key)),
            Mount("/bedrock", bedrock.create_app(key=key)),
            Mount("/cohere", cohere.create_app(key=key)),
            Mount("/vertex", vertex.create_app(google=google, now=now)),
            Mount("/", openai.create_app(now=now, key=key, entra=entra)),
        ]
    )
