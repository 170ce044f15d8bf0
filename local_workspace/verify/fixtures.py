"""Answers of a real workspace as a file that can be shown to anyone: names, ids, times and keys are masked."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.verify.caller import Exchange
    from local_workspace.verify.run import Finding, Outcome
    from local_workspace.verify.target import Target

FORMAT = 1

_SECRET_KEYS = re.compile(r"(string_value|bytes_value|value|token|.*_plaintext|.*secret.*|.*password.*)", re.IGNORECASE)
_PERSONS = frozenset({"creator", "creator_display_name", "display_name", "user_name", "service_principal_name"})
_GROUPS = frozenset({"admins", "users"})
_TIMES = re.compile(r".*(_timestamp|_time|_at)")
_HEADERS = ("content-type", "retry-after", "x-databricks-reason-phrase")
_PATTERNS = (
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), "<email>"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{32}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{10,}\b"), "<number>"),
    (re.compile(r"https?://[\w.:\[\]-]+"), "<url>"),
    (re.compile(r"\b[\w-]+(\.[\w-]+)*\.(databricks|azuredatabricks)\.\w+\b"), "<host>"),
)


def document(outcome: Outcome, target: Target) -> str:
    """Return the file's text.

    Args:
        outcome: the run.
        target: the workspace; its host and token, and the caller, are masked wherever they stand.
    """
    masks = {target.token: "<token>", target.host: "<host>", outcome.prefix: "<scratch>"}
    masks[urlsplit(target.host).netloc] = "<host>"
    if outcome.me:
        masks[outcome.me] = masks[outcome.me.swapcase()] = "<me>"
    findings = [_finding(each, masks) for each in outcome.findings]
    behaviour = {
        each.check.rule.switch: each.answer.value
        for each in outcome.findings
        if each.check.rule.switch and each.answer.value is not None
    }
    return json.dumps({"format": FORMAT, "behaviour": behaviour, "findings": findings}, indent=1, ensure_ascii=False)


def _finding(finding: Finding, masks: Mapping[str, str]) -> dict[str, Any]:
    return {
        "rule": finding.check.rule_id,
        "verdict": finding.verdict,
        "value": finding.answer.value,
        "said": _masked(finding.answer.said, masks),
        "exchanges": [_exchange(each, masks) for each in finding.exchanges],
    }


def _exchange(exchange: Exchange, masks: Mapping[str, str]) -> dict[str, Any]:
    headers = {name: exchange.reply.headers[name] for name in _HEADERS if name in exchange.reply.headers}
    return {
        "method": exchange.method,
        "path": _masked(exchange.path, masks),
        "sent": _masked(exchange.sent, masks),
        "status": exchange.reply.status,
        "headers": headers,
        "body": _masked(exchange.reply.body, masks),
    }


def _masked(value: Any, masks: Mapping[str, str], *, key: str = "") -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {_masked(name, masks): _masked(each, masks, key=name) for name, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, masks, key=key) for each in value]
    if _SECRET_KEYS.fullmatch(key):
        return "<masked>"
    if isinstance(value, int | float) and _TIMES.fullmatch(key):
        return 0
    if not isinstance(value, str):
        return value
    if key in _PERSONS or (key == "group_name" and value not in _GROUPS):
        return "<name>"
    for text, mask in masks.items():
        value = value.replace(text, mask)
    for pattern, mask in _PATTERNS:
        value = pattern.sub(mask, value)
    return value
