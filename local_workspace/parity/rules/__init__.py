"""The rules, a module for each family: `ALL` has them by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_workspace.parity.rules import access, ai_gateway, endpoint_configs, endpoints, invocations, scopes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.parity.rule import Rule

FAMILIES: Mapping[str, tuple[Rule, ...]] = {
    "Who may come in": access.RULES,
    "Secret scopes, secrets and ACLs": scopes.RULES,
    "Serving endpoints": endpoints.RULES,
    "What a config may say": endpoint_configs.RULES,
    "The AI gateway": ai_gateway.RULES,
    "Calls": invocations.RULES,
}

ALL: Mapping[str, Rule] = {rule.id: rule for family in FAMILIES.values() for rule in family}
