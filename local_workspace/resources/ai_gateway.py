"""The AI gateway of an endpoint: what a client may ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_workspace.errors import invalid

MOST_LIMITS = 20
MOST_GROUP_LIMITS = 5

BLOCKS = ("fallback_config", "guardrails", "inference_table_config", "rate_limits", "usage_tracking_config")

NEED_PRINCIPAL = ("user_group", "service_principal")

_KEYS = ("endpoint", "user", *NEED_PRINCIPAL)
_MOST_DIGITS = 19
_PII = ("NONE", "BLOCK", "MASK")
_SWITCHED = frozenset({"fallback_config", "inference_table_config", "usage_tracking_config"})
_TABLE_NAMES = ("catalog_name", "schema_name", "table_name_prefix")


def normalise(body: Mapping[str, Any], *, before: Mapping[str, Any] | None = None, endpoint: str) -> dict[str, Any]:
    """Return the gateway to store; a block that is absent is gone.

    Args:
        body: the `ai_gateway` object of a create, or the body of a PUT.
        before: what is stored now, for what must not change in one step.
        endpoint: the endpoint's name, the default prefix of the inference table.

    Raises:
        ApiError: INVALID_PARAMETER_VALUE for the first rule that is broken.
    """
    if not isinstance(body, Mapping):
        raise invalid("ai_gateway must be an object.")
    gateway = {block: body[block] for block in BLOCKS if body.get(block) is not None}
    for block, value in gateway.items():
        if block != "rate_limits" and not isinstance(value, dict):
            raise invalid(f"{block} must be an object.")
        if block in _SWITCHED:
            _check_switch(value.get("enabled"), f"{block}.enabled")
    if "rate_limits" in gateway:
        gateway["rate_limits"] = limits_of(gateway["rate_limits"])
    if "guardrails" in gateway:
        _check_guardrails(gateway["guardrails"])
    if "inference_table_config" in gateway:
        gateway["inference_table_config"] = _table(
            gateway["inference_table_config"], (before or {}).get("inference_table_config"), endpoint
        )
    return gateway


def limits_of(limits: object) -> list[dict[str, Any]]:
    """Return a list of rate limits as it is stored, each with its count as a number.

    Raises:
        ApiError: INVALID_PARAMETER_VALUE.
    """
    if not isinstance(limits, list) or not all(isinstance(each, dict) for each in limits):
        raise invalid("rate_limits must be a list of objects.")
    if len(limits) > MOST_LIMITS:
        raise invalid(f"An endpoint may have at most {MOST_LIMITS} rate limits; {len(limits)} were given.")
    read = [_limit(limit) for limit in limits]
    groups = sum(limit.get("key") == "user_group" for limit in limits)
    if groups > MOST_GROUP_LIMITS:
        raise invalid(f"An endpoint may have at most {MOST_GROUP_LIMITS} group rate limits; {groups} were given.")
    return read


def _limit(limit: Mapping[str, Any]) -> dict[str, Any]:
    if limit.get("renewal_period") != "minute":
        raise invalid("rate_limits.renewal_period must be minute.")
    given = [each for each in ("calls", "tokens") if limit.get(each) is not None]
    if len(given) != 1:
        raise invalid("A rate limit needs exactly one of calls and tokens; send two entries to limit both.")
    count = limit[given[0]]
    if not _is_count(count):
        raise invalid(f"rate_limits.{given[0]} must be a whole number, 0 or more.")
    key = limit.get("key") or "endpoint"
    if key not in _KEYS:
        raise invalid(f"rate_limits.key must be one of {', '.join(_KEYS)}.")
    if key in NEED_PRINCIPAL and not limit.get("principal"):
        raise invalid(f"A rate limit with key {key} needs a principal.")
    if key == "endpoint" and limit.get("principal"):
        raise invalid("A rate limit with key endpoint takes no principal.")
    return {**{name: value for name, value in limit.items() if value is not None}, given[0]: int(count)}


def _is_count(value: object) -> bool:
    if isinstance(value, bool):
        return False
    # int64 fields may come as strings: that is how protobuf's JSON writes them
    number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) <= _MOST_DIGITS else value
    return isinstance(number, int) and number in range(1 << 63)


def _check_guardrails(guardrails: Mapping[str, Any]) -> None:
    for side in ("input", "output"):
        rules = guardrails.get(side)
        if rules is None:
            continue
        if not isinstance(rules, dict):
            raise invalid(f"guardrails.{side} must be an object.")
        _check_switch(rules.get("safety"), f"guardrails.{side}.safety")
        pii = rules.get("pii") or {}
        if not isinstance(pii, dict) or pii.get("behavior", "NONE") not in _PII:
            raise invalid(f"guardrails.{side}.pii.behavior must be one of {', '.join(_PII)}.")
        for words in ("invalid_keywords", "valid_topics"):
            value = rules.get(words, [])
            if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
                raise invalid(f"guardrails.{side}.{words} must be a list of texts.")


def _check_switch(value: object, name: str) -> None:
    if not isinstance(value, bool | None):
        raise invalid(f"{name} must be true or false.")


def _table(table: dict[str, Any], before: Mapping[str, Any] | None, endpoint: str) -> dict[str, Any]:
    if not table.get("enabled"):
        return dict(table)
    if not table.get("catalog_name") or not table.get("schema_name"):
        raise invalid("inference_table_config needs catalog_name and schema_name to be enabled.")
    wanted = {"table_name_prefix": endpoint, **table}
    if before is not None and before.get("enabled"):
        moved = [name for name in _TABLE_NAMES if before.get(name) != wanted.get(name)]
        if moved:
            raise invalid(f"To change {', '.join(moved)} of the inference table, disable it first, then enable it.")
    return wanted
