"""One workspace that a set of configs is applied to, while something of somebody else's lies beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from proving.looking import Api, look, owners
from provisioning import Access, Options, apply, plan
from provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from proving.worlds import World

EVERYTHING = Options(prune=True, allow_destructive=True, allow_widening=True)
"""Every flag that a changed config may need. --adopt is none of them: what an apply leaves behind is its own."""

_FOREIGN = {
    "POST /api/2.0/secrets/scopes/create": {"scope": "theirs"},
    "POST /api/2.0/secrets/put": {"scope": "theirs", "key": "first", "string_value": "sk-theirs"},
    "POST /api/2.0/serving-endpoints": {"name": "their-chat", "tags": [{"key": "team", "value": "theirs"}]},
}


class Case:
    """A workspace and the folder that is applied to it.

    Args:
        host: the workspace's URL.
        token: of the identity that applies.
        folder: where the configs are written to.

    Attributes:
        api: the workspace, for a look that does not go through `provisioning`.
        caller: who applies.
    """

    def __init__(self, host: str, token: str, folder: Path) -> None:
        self.api = Api(host, token)
        self.caller: str = self.api.get("/api/2.0/preview/scim/v2/Me")["userName"]
        self._host = host
        self._token = SecretStr(token)
        self._folder = folder

    def place_foreign(self) -> None:
        """Put a scope and an endpoint there that no set owns."""
        for call, body in _FOREIGN.items():
            status, answer = self.api(*call.split(), body)
            assert status == 200, answer

    def access(self, world: World) -> Access:
        """Return the access that an apply of these configs uses."""
        return Access(host=self._host, token=self._token, environ=world.environ())

    def apply(self, world: World, *, options: Options = EVERYTHING) -> ProvisioningError | None:
        """Apply, and return what it ended with; anything but our own errors is raised."""
        try:
            apply(world.desired(self._folder), access=self.access(world), options=options)
        except ProvisioningError as error:
            return error
        return None

    def require(self, world: World, *, broken: Sequence[World] = (), applies: int = 2) -> None:
        """Apply until it succeeds, and see that this led to exactly what was asked for.

        Args:
            world: what is asked for.
            broken: what earlier applies asked for that did not come to their end.
            applies: how many it may take.
        """
        said = []
        while error := self.apply(world):
            said.append(str(error))
            assert len(said) < applies, said
        assert self._seen(world, broken) == world.expected(self.caller)
        assert not plan(world.desired(self._folder), access=self.access(world), options=EVERYTHING).changes
        assert len(owners(self.api)) == 1

    def _seen(self, world: World, broken: Sequence[World]) -> dict[str, Any]:
        """Look, check what is somebody else's, and leave out what rightly stays.

        Of a scope without a marker, and of a key without a record, nobody can say whose they are: the apply that made
        them was broken off before it could. If the next configs no longer name them, they are not deleted.
        """
        seen = look(self.api)
        theirs = seen["scopes"].pop("theirs", None)
        if theirs is not None:
            assert theirs["secrets"] == {"first": "sk-theirs"}
            assert seen["endpoints"].pop("their-chat")["team"] == "theirs"
        empty = {"secrets": {}, "acls": {self.caller: "MANAGE"}}
        for name in {name for each in broken for name in each.scopes}:
            if name not in world.scopes and seen["scopes"].get(name) == empty:
                del seen["scopes"][name]
        return seen
