"""Where the providers with a wire format of their own are, and how a call to them proves who it is."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from local_workspace.errors import ApiError, bad_request, invalid
from local_workspace.upstreams.bases import GOOGLE_TOKENS
from local_workspace.upstreams.credentials import AwsCredential, GoogleCredential, HeaderCredential
from local_workspace.upstreams.destinations import Destination, required

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_workspace.upstreams.bases import Bases

_PATHS = ("chat/completions", "completions", "embeddings")
GEMINI_PATHS = ("generateContent", "streamGenerateContent")
"""Gemini's own API, for callers who speak it; as Anthropic's `messages` it passes untranslated."""
_VERSION = re.compile(r"/v\d+$")
_PLACE = re.compile(r"[a-z0-9-]{1,63}")
_PROJECT = re.compile(r"[a-z0-9.:-]{1,63}")
_OTHER_PUBLISHERS = ("mistral", "codestral", "claude")


def is_translated(model: Mapping[str, Any], *, path: str) -> bool:
    """Whether a call goes through a vendor's client; a vendor's own API passes as it is."""
    return model.get("provider") in _RULES and path not in ("messages", *GEMINI_PATHS)


def origin(model: Mapping[str, Any], *, path: str, bases: Bases) -> Destination:
    """Find where a provider's API begins; its client knows the path after that.

    Args:
        model: The served entity's `external_model`, with secret references in place.
        path: The API's path: `chat/completions`, `completions` or `embeddings`.
        bases: Where providers are.

    Raises:
        ApiError: 400 for a config that lacks something or a path that the provider has not; 501 for a way to
            authenticate that exists in a cloud alone.
    """
    provider = str(model["provider"])
    if path not in _PATHS:
        raise bad_request(f"Provider '{provider}' has no API that answers /{path}.")
    return _RULES[provider](model, bases)


def gemini(model: Mapping[str, Any], *, path: str, bases: Bases) -> Destination:
    """Find where a call in Gemini's own words goes.

    Args:
        model: The served entity's `external_model`, with secret references in place.
        path: One of `GEMINI_PATHS`.
        bases: Where providers are.

    Raises:
        ApiError: 400 for another provider, or a config that lacks something; 501 for models of other publishers.
    """
    provider = model.get("provider")
    if provider != "google-cloud-vertex-ai":
        raise bad_request(f"Provider '{provider}' does not speak Gemini's API.")
    where = _vertex(model, bases)
    query = "?alt=sse" if path.startswith("stream") else ""
    return replace(where, url=f"{where.url}/v1/{where.model}:{path}{query}")


def _anthropic(model: Mapping[str, Any], bases: Bases) -> Destination:
    config = model.get("anthropic_config") or {}
    return Destination(
        provider="anthropic",
        url=bases.of_provider("anthropic", host="api.anthropic.com", simulated="anthropic"),
        credential=HeaderCredential(header="x-api-key", reference=required(config, "anthropic_api_key")),
        model=str(model["name"]),
    )


def _cohere(model: Mapping[str, Any], bases: Bases) -> Destination:
    config = model.get("cohere_config") or {}
    configured = config.get("cohere_api_base")
    base = (
        bases.configured(_VERSION.sub("", configured.rstrip("/")), simulated="cohere")
        if configured
        else bases.of_provider("cohere", host="api.cohere.com", simulated="cohere")
    )
    key = required(config, "cohere_api_key")
    return Destination(
        provider="cohere",
        url=base,
        credential=HeaderCredential(header="Authorization", reference=key, prefix="Bearer "),
        model=str(model["name"]),
    )


def _bedrock(model: Mapping[str, Any], bases: Bases) -> Destination:
    config = model.get("amazon_bedrock_config") or {}
    if not config.get("aws_access_key_id"):
        raise ApiError(
            501,
            "NOT_IMPLEMENTED",
            "The local workspace calls Amazon Bedrock with access keys alone: instance profiles and service "
            "credentials exist in a cloud account.",
        )
    region = _safe(config, "aws_region", _PLACE)
    host = f"bedrock-runtime.{region}.amazonaws.com"
    return Destination(
        provider="amazon-bedrock",
        url=bases.of_provider("amazon-bedrock", host=host, simulated="bedrock"),
        credential=AwsCredential(
            access_key=required(config, "aws_access_key_id"),
            secret_key=required(config, "aws_secret_access_key"),
            region=region,
        ),
        model=str(model["name"]),
    )


def _vertex(model: Mapping[str, Any], bases: Bases) -> Destination:
    config = model.get("google_cloud_vertex_ai_config") or {}
    project, region = _safe(config, "project_id", _PROJECT), _safe(config, "region", _PLACE)
    name = str(model["name"])
    if name.startswith(_OTHER_PUBLISHERS):
        raise ApiError(
            501,
            "NOT_IMPLEMENTED",
            f"The local workspace calls Google's own models on Vertex AI, not those of other publishers ('{name}').",
        )
    host = "aiplatform.googleapis.com" if region == "global" else f"{region}-aiplatform.googleapis.com"
    return Destination(
        provider="google-cloud-vertex-ai",
        url=bases.of_provider("google-cloud-vertex-ai", host=host, simulated="vertex"),
        credential=GoogleCredential(
            reference=required(config, "private_key"), tokens=bases.google_tokens, audience=GOOGLE_TOKENS
        ),
        model=f"projects/{project}/locations/{region}/publishers/google/models/{name}",
    )


def _safe(config: Mapping[str, Any], field: str, pattern: re.Pattern[str]) -> str:
    """A value that becomes part of a host or a path, and must not say more than its own part."""
    value = required(config, field)
    if not pattern.fullmatch(value):
        raise invalid(f"The external model's {field} may hold lower-case letters, digits and '-' alone.")
    return value


_RULES: dict[str, Callable[[Mapping[str, Any], Bases], Destination]] = {
    "amazon-bedrock": _bedrock,
    "anthropic": _anthropic,
    "cohere": _cohere,
    "google-cloud-vertex-ai": _vertex,
}
