"""Each route of the real API that this workspace answers, with its certainty and source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_workspace.app import api_routes
from local_workspace.parity.rule import Certainty, RouteClaim

if TYPE_CHECKING:
    from collections.abc import Mapping

_OURS = "/_local/"

_REFERENCE = RouteClaim(Certainty.DOCUMENTED, "API reference; databricks-sdk")
_OPENAI = RouteClaim(Certainty.SDK_EVIDENT, "databricks-openai; databricks-sdk, get_open_ai_client")
_GATEWAY = RouteClaim(Certainty.SDK_EVIDENT, "databricks-openai, use_ai_gateway; databricks/ucode")
_UCODE = RouteClaim(Certainty.SDK_EVIDENT, "databricks/ucode")

# The longest path that a route begins with says what is claimed of it.
_BY_PREFIX: Mapping[str, RouteClaim] = {
    "/api/2.0/secrets/": _REFERENCE,
    "/api/2.0/serving-endpoints": _REFERENCE,
    "/api/2.0/serving-endpoints:foundation-models": _UCODE,
    "/api/2.0/permissions/serving-endpoints/": _REFERENCE,
    "/api/2.0/external-function": _REFERENCE,
    "/api/2.0/preview/scim/v2/Me": _REFERENCE,
    "/.well-known/databricks-config": RouteClaim(Certainty.SDK_EVIDENT, "databricks-sdk, Config"),
    "/oidc/": RouteClaim(Certainty.DOCUMENTED, "docs: dev-tools/auth/oauth-m2m; databricks-sdk"),
    "/serving-endpoints/": _OPENAI,
    "/serving-endpoints/{name}/invocations": _REFERENCE,
    "/serving-endpoints/{name}/served-models/{model}/invocations": RouteClaim(
        Certainty.OBSERVED, "tidyverse/ellmer#1078"
    ),
    "/serving-endpoints/anthropic/": RouteClaim(Certainty.SDK_EVIDENT, "databricks-langchain; databricks/ucode"),
    "/ai-gateway/": _GATEWAY,
    "/ai-gateway/codex/": _UCODE,
    "/ai-gateway/anthropic/": _UCODE,
    "/serving-endpoints/gemini/": RouteClaim(
        Certainty.DOCUMENTED, "docs: machine-learning/model-serving/query-gemini-api"
    ),
    "/ai-gateway/gemini/": RouteClaim(
        Certainty.DOCUMENTED, "docs: generative-ai/foundation-models/gemini-api; databricks/ucode"
    ),
    "/{workspace}/serving-endpoints/{name}/invocations": RouteClaim(
        Certainty.DOCUMENTED, "docs: machine-learning/model-serving/route-optimization"
    ),
}


def routes() -> dict[str, RouteClaim]:
    """Return what is claimed of each route that is answered, by `METHOD path`, sorted by path.

    Raises:
        LookupError: nothing is claimed of one.
    """
    answered = [
        (each.path, method)
        for each in api_routes()
        if not each.path.startswith(_OURS)
        for method in (each.methods or set()) - {"HEAD"}
    ]
    return {f"{method} {path}": _claim(path) for path, method in sorted(answered)}


def _claim(path: str) -> RouteClaim:
    prefixes = [each for each in _BY_PREFIX if path.startswith(each)]
    if not prefixes:
        raise LookupError(f"local_workspace/parity/routes.py says nothing of {path}")
    return _BY_PREFIX[max(prefixes, key=len)]
