"""Which live endpoints refer to which secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioning.model.values import SecretKey


@dataclass(frozen=True)
class Usage:
    """What endpoints refer to, as far as they may be looked into.

    Attributes:
        users: the endpoints' names, by the secret that they refer to, its scope in lower case.
        unseen: the endpoints that are there and may not be looked into.
    """

    users: Mapping[SecretKey, tuple[str, ...]] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
