"""The keys in an endpoint's configs: put away when they come in plain text, checked when they come by reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_workspace.errors import UnresolvedSecretError, invalid
from local_workspace.resources import external_models

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local_workspace.lifecycle import Deployments
    from local_workspace.resources.identities import Identity
    from local_workspace.resources.secrets import Secrets


def put_away(
    config: Mapping[str, Any], secrets: Secrets, *, endpoint_id: str, identity: Identity, freeze: bool
) -> None:
    """Leave nothing but references in a config that is about to be stored; the config is changed in place.

    Args:
        config: a config as `endpoint_configs.normalise` returns it.
        secrets: where keys are kept.
        endpoint_id: whose config it is.
        identity: who writes it, and needs READ on each scope that it refers to.
        freeze: whether a referenced secret's present value is copied for this config.

    Raises:
        ApiError: a reference is malformed, or the identity may not read its scope.
    """
    for holder, field, plaintext in _secret_fields(config):
        if holder.get(plaintext):
            holder[field] = secrets.keep_plaintext(endpoint_id, _text(holder.pop(plaintext), plaintext))
        elif holder.get(field):
            secrets.check_reference(_text(holder[field], field), identity=identity)
            if freeze:
                holder[field] = _frozen(holder[field], secrets, endpoint_id=endpoint_id, creator=identity.name)


def references(deployments: Deployments) -> list[str]:
    """Return every secret reference in an endpoint's configs."""
    return [
        holder[field]
        for deployment in (deployments.serving, deployments.pending)
        if deployment is not None
        for holder, field, _plaintext in _secret_fields(deployment.config)
        if holder.get(field)
    ]


def _secret_fields(config: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    for entity in config["served_entities"]:
        yield from external_models.secrets_of(entity.get("external_model") or {})


def _frozen(reference: str, secrets: Secrets, *, endpoint_id: str, creator: str) -> str:
    try:
        return secrets.freeze(endpoint_id, reference, creator=creator)
    except UnresolvedSecretError as error:
        # There is no later moment at which it could come to exist.
        raise invalid(f"Secret {reference} does not exist.") from error


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"{field} must be a string.")
    return value
