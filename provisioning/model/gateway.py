"""The AI gateway in front of an endpoint: usage tracking, logging, limits, guardrails, fallbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from provisioning.model.base import Model
from provisioning.model.rules import Finding, RuledModel, exactly_one, fields_of, items_of, text_in
from provisioning.model.values import Count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_LIMITS = 20
_MOST_GROUP_LIMITS = 5


class UsageTrackingConfig(Model):
    """Whether calls are counted in the system table `system.serving.endpoint_usage`."""

    enabled: bool | None = None
    """True to count calls and tokens by caller."""


class InferenceTableConfig(RuledModel):
    """The Unity Catalog table that requests and answers are logged to."""

    enabled: bool | None = None
    """True to log; to change a name below, disable first and enable again."""
    catalog_name: str | None = None
    """The catalog of the table; needed to enable."""
    schema_name: str | None = None
    """The schema of the table; needed to enable."""
    table_name_prefix: str | None = None
    """The table is called `<prefix>_payload`; the default is the endpoint's name."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find what an enabled table lacks."""
        missing = [name for name in ("catalog_name", "schema_name") if raw.get(name) is None]
        if raw.get("enabled") is True and missing:
            yield Finding(f"an enabled table needs {' and '.join(missing)}", kind="missing-field", absence=True)


class FallbackConfig(Model):
    """Whether a failed call goes on to the next served entity."""

    enabled: bool
    """True to try the entities in their order on a 429 or 5xx; an entity with 0 % traffic is there for that alone."""


class RateLimit(RuledModel):
    """How many calls, or how many tokens, somebody may use in a minute."""

    renewal_period: Literal["minute"]
    """The period; the API knows only `minute`."""
    calls: Count | None = None
    """Calls in the period; 0 shuts the endpoint for those it applies to."""
    tokens: Count | None = None
    """Tokens in the period; an entry has `calls` or `tokens`, so a limit on both is two entries."""
    key: Literal["endpoint", "user", "user_group", "service_principal"] | None = None
    """Whom it applies to: all calls together (`endpoint`, the default), each user, or the principal named."""
    principal: str | None = None
    """A user's e-mail, a group's name or a service principal's application id."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find out whether the limit counts one thing, for somebody."""
        yield from exactly_one(raw, ("calls", "tokens"))
        key = text_in(raw, "key") or "endpoint"
        if key in {"user_group", "service_principal"} and raw.get("principal") is None:
            yield Finding(f"a limit with key {key} needs a `principal`", kind="missing-field", absence=True)
        if key == "endpoint" and raw.get("principal") is not None:
            message = "a limit of the whole endpoint has no `principal`"
            remedy = "say with `key` what the principal is: user, user_group or service_principal"
            yield Finding(message, at=("principal",), kind="conflict", remedy=remedy)


class PiiBehavior(Model):
    """What happens to personal data in a request or an answer."""

    behavior: Literal["NONE", "BLOCK", "MASK"] | None = None
    """NONE lets it pass, BLOCK refuses the call, MASK hides it."""


class GuardrailParameters(Model):
    """What is filtered out of requests, or of answers."""

    pii: PiiBehavior | None = None
    """What happens to personal data."""
    safety: bool | None = None
    """True to refuse unsafe content."""
    invalid_keywords: tuple[str, ...] | None = None
    """Words that are refused; deprecated by Databricks."""
    valid_topics: tuple[str, ...] | None = None
    """The only topics that are allowed; deprecated by Databricks."""


class Guardrails(Model):
    """Filters on what goes in and what comes out."""

    input: GuardrailParameters | None = None
    """Filters on requests."""
    output: GuardrailParameters | None = None
    """Filters on answers."""


class AiGatewayConfig(RuledModel):
    """The AI gateway of an endpoint. The API replaces it as a whole; `{}` clears it."""

    usage_tracking_config: UsageTrackingConfig | None = None
    """Whether calls are counted."""
    inference_table_config: InferenceTableConfig | None = None
    """Where requests and answers are logged."""
    fallback_config: FallbackConfig | None = None
    """Whether a failed call goes on to the next entity."""
    rate_limits: tuple[RateLimit, ...] | None = None
    """At most 20 limits, of which at most 5 are for groups."""
    guardrails: Guardrails | None = None
    """Filters on requests and answers."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find out whether there are more limits than the server takes."""
        limits = items_of(raw.get("rate_limits"))
        groups = [index for index, each in enumerate(limits) if fields_of(each).get("key") == "user_group"]
        if len(limits) > _MOST_LIMITS:
            message = f"{len(limits)} rate limits are given; an endpoint takes at most {_MOST_LIMITS}"
            yield Finding(message, at=("rate_limits", _MOST_LIMITS), kind="limit")
        if len(groups) > _MOST_GROUP_LIMITS:
            message = f"{len(groups)} rate limits for groups are given; an endpoint takes at most {_MOST_GROUP_LIMITS}"
            yield Finding(message, at=("rate_limits", groups[_MOST_GROUP_LIMITS]), kind="limit")
