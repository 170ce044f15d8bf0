"""Who may do what: rights on a secret scope and permissions on a serving endpoint."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import model_validator

from provisioning.model.base import Model

ScopeLevel: TypeAlias = Literal["READ", "WRITE", "MANAGE"]
"""A right on a secret scope; each includes the ones before it."""

EndpointLevel: TypeAlias = Literal["CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"]
"""A permission on a serving endpoint; each includes the ones before it."""


class Principal(Model):
    """Exactly one of a user, a group and a service principal."""

    user_name: str | None = None
    """A user's e-mail address."""
    group_name: str | None = None
    """A group's display name; `users` and `admins` always exist."""
    service_principal_name: str | None = None
    """A service principal's application id (a UUID), not its display name."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Principal:
        given = [self.user_name, self.group_name, self.service_principal_name]
        if sum(each is not None for each in given) != 1:
            raise ValueError("give exactly one of user_name, group_name and service_principal_name")
        return self

    @property
    def principal(self) -> str:
        """The name itself, whichever kind it is of."""
        return self.user_name or self.group_name or self.service_principal_name or ""


class ScopePermission(Principal):
    """A right on a secret scope."""

    level: ScopeLevel
    """READ hands out every value in the scope; who only chats needs CAN_QUERY on the endpoint instead."""


class EndpointPermission(Principal):
    """A permission on a serving endpoint."""

    level: EndpointLevel
    """CAN_QUERY to call it, CAN_VIEW to see it, CAN_MANAGE to change it."""
