"""How an object is named in plans, flags and reports.

    secret_scopes.<name>
    secret_scopes.<name>/secrets.<key>
    secret_scopes.<name>/acls.<principal>
    model_serving_endpoints.<name>
    model_serving_endpoints.<name>/permissions

`<name>` is the live name, not the config's key: two configs that mean the same object give the same address.
"""

from __future__ import annotations

from typing import NewType

Address = NewType("Address", str)
"""An object's address, as text: it is printed, sorted and compared more often than taken apart."""


def scope_address(scope: str) -> Address:
    """Return the address of a secret scope."""
    return Address(f"secret_scopes.{scope}")


def secret_address(scope: str, key: str) -> Address:
    """Return the address of one secret in a scope."""
    return Address(f"secret_scopes.{scope}/secrets.{key}")


def acl_address(scope: str, principal: str) -> Address:
    """Return the address of one principal's right on a scope."""
    return Address(f"secret_scopes.{scope}/acls.{principal}")


def endpoint_address(endpoint: str) -> Address:
    """Return the address of a serving endpoint."""
    return Address(f"model_serving_endpoints.{endpoint}")


def permissions_address(endpoint: str) -> Address:
    """Return the address of a serving endpoint's permissions, which the API keeps as one list."""
    return Address(f"model_serving_endpoints.{endpoint}/permissions")


def folded(address: Address) -> Address:
    """Return what two spellings of the same object's address have in common: scopes' names have no case."""
    return Address(address.lower()) if address.startswith("secret_scopes.") else address


def parent(address: Address) -> Address:
    """Return the address of the scope or endpoint that an address belongs to (itself, if it is one)."""
    return Address(address.partition("/")[0])
