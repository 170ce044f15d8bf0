"""What calls to endpoints answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_workspace.verify.check import ENDPOINTS, Answer, Check

if TYPE_CHECKING:
    from local_workspace.verify.check import Probe

_MODEL = "databricks-meta-llama-3-3-70b-instruct"
_EFFECT_SECONDS = 20.0


def _unknown_field(probe: Probe) -> Answer:
    body = {"messages": [{"role": "user", "content": "hi"}], "inputs": "x"}
    reply = probe.call("POST", f"/serving-endpoints/{probe.endpoint}/invocations", body)
    return Answer(reply.refuses(400, saying="unknown field"), reply.summary())


def _freshness(probe: Probe) -> Answer:
    before = probe.ask(probe.endpoint)
    probe.need(probe.call("POST", "/api/2.0/secrets/delete", {"scope": probe.scope, "key": "key"}))
    try:
        after = probe.ask(probe.endpoint)
    finally:
        probe.put_key()
    same = (before.status, before.code) == (after.status, after.code)
    return Answer("per_config" if same else "per_call", f"{before.summary()}; without the key: {after.summary()}")


def _limit(probe: Probe) -> Answer:
    path = f"{ENDPOINTS}/{probe.endpoint}/ai-gateway"
    limit = {"key": "endpoint", "renewal_period": "minute", "calls": 1}
    probe.need(probe.call("PUT", path, {"rate_limits": [limit]}))
    try:
        for _ in range(5):
            # Two in a row, so that no pause between them renews the limit.
            replies = [probe.ask(probe.endpoint), probe.ask(probe.endpoint)]
            refused = next((each for each in replies if each.refuses(429)), None)
            if refused is not None:
                told = refused.headers.get("retry-after")
                return Answer(told is not None, f"{refused.summary()} (Retry-After: {told or 'none'})")
            # The documentation gives a changed gateway up to a minute.
            probe.sleep(_EFFECT_SECONDS)
    finally:
        probe.call("PUT", path, {})
    return Answer(None, "the limit had no effect in a hundred seconds")


def _stream_usage(probe: Probe) -> Answer:
    body = {"messages": [{"role": "user", "content": "Count to five"}], "max_tokens": 20, "stream": True}
    reply = probe.call("POST", f"/serving-endpoints/{_MODEL}/invocations", body)
    if not reply.ok or not isinstance(reply.body, str):
        return Answer(None, reply.summary())
    chunks = [json.loads(line[6:]) for line in reply.body.splitlines() if line.startswith("data: {")]
    return Answer(_usage_style(chunks), f"{len(chunks)} chunks of {_MODEL}")


def _usage_style(chunks: list[dict[str, Any]]) -> str | None:
    reports = [each.get("usage") for each in chunks]
    if not any(reports):
        return "on_request"
    if not any(reports[:-1]) and not chunks[-1].get("choices"):
        return "final_chunk"
    if not all(reports):
        return None
    early = [each.get("total_tokens") for each in reports[:-1] if each]
    return "nulls_until_end" if None in early else "cumulative"


CHECKS = (
    Check("call-unknown-field", _unknown_field, calls=1),
    Check("key-freshness", _freshness, calls=4),
    Check("gateway-limit-used-up", _limit, calls=12),
    Check(
        "call-stream-usage",
        _stream_usage,
        calls=1,
        reserved=f"it costs about 50 tokens of {_MODEL}",
        expected="cumulative",
    ),
)
