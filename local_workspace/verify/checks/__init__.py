"""The checks, in the order in which they run: those that share an endpoint leave it as they found it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_workspace.verify.checks import calls, configs, endpoints, permissions, scopes

if TYPE_CHECKING:
    from local_workspace.verify.check import Check

ALL: tuple[Check, ...] = (
    *scopes.CHECKS,
    *configs.CHECKS,
    *endpoints.CHECKS,
    *permissions.CHECKS,
    *calls.CHECKS,
    *endpoints.LAST,  # it uses up what others would need
)
