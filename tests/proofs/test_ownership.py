"""Several sets, tools and people on one workspace: nobody changes or deletes what is somebody else's.

Whose an object is, is read from its marks before each move, over plain HTTP; all else of it must be the same after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from proving.cases import EVERYTHING
from proving.looking import Api, Thing, objects
from proving.worlds import KEYS, World, worlds
from pydantic import SecretStr

from provisioning import Access, apply, destroy, plan
from provisioning.errors import ProvisioningError
from provisioning.runner import disown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from proving.sizes import Proof

    from local_workspace.local import LocalWorkspace, WorkspaceHandle
    from provisioning.model.workspace import Desired

OURS = ("apply", "apply", "apply", "destroy", "disown", "read")
THEIRS = ("tag", "claim", "let go", "key", "marker", "scope", "endpoint", "grant")

TEAMS = (("one", "one"), ("two", "One"), ("three/configs", None), ("four/configs", None))
"""Folder and set name. The last two leave the name to their folders, which are called the same."""

STRANGER, READER = "0123456789ab", "reader@example.com"


@dataclass(frozen=True)
class Move:
    """What somebody does: one of the teams, or another client."""

    what: str
    team: int
    version: int
    identity: int
    prune: bool
    name: str


MOVES = st.lists(
    st.builds(
        Move,
        what=st.sampled_from(OURS) | st.sampled_from(THEIRS),
        team=st.integers(0, len(TEAMS) - 1),
        version=st.integers(0, 1),
        identity=st.integers(0, 1),
        prune=st.booleans(),
        name=st.sampled_from(("llm", "tools", "chat", "draft", "judge")),
    ),
    min_size=6,
    max_size=14,
)


class Town:
    """A workspace that the teams share."""

    def __init__(self, workspace: WorkspaceHandle, folder: Path, versions: list[World], proof: Proof) -> None:
        self.api = Api(workspace.host, workspace.token)
        self._workspace, self._folder, self._versions, self._proof = workspace, folder, versions, proof
        second = workspace.token_for("second@example.com", groups=("admins", "users"))
        self._tokens = [workspace.token, second]
        self._reader = workspace.token_for(READER)
        self._ids = [plan(self._desired(team, 0), access=self._access(team, 0, 0)).set_id for team in range(len(TEAMS))]
        assert len(set(self._ids)) == len(TEAMS) - 1

    def make(self, move: Move) -> None:
        """Make a move, and see that what is somebody else's is as it was."""
        if move.what in THEIRS:
            self._by_hand(move)
            return
        before, begun = objects(self.api), len(self._workspace.requests)
        if move.what == "read":
            self._read(move, before)
            assert not [
                each for each in self._workspace.requests[begun:] if each.identity == READER and each.method != "GET"
            ]
            assert objects(self.api) == before
        else:
            self._act(move)
            after = objects(self.api)
            for address, thing in before.items():
                self._require_kept(move, address, thing, after.get(address))
        self._proof.tried("moves")

    def _act(self, move: Move) -> None:
        desired, access = self._desired(move.team, move.version), self._access(move.team, move.version, move.identity)
        acts: Mapping[str, Callable[[], object]] = {
            "apply": lambda: apply(desired, access=access, options=EVERYTHING.model_copy(update={"prune": move.prune})),
            "destroy": lambda: destroy(desired, access=access),
            "disown": lambda: disown(desired, access=access),
        }
        try:
            acts[move.what]()
        except ProvisioningError:
            self._proof.tried("refusals")

    def _require_kept(self, move: Move, address: str, before: Thing, after: Thing | None) -> None:
        own, desired = self._ids[move.team], self._desired(move.team, move.version)
        declared = address in set(desired.keys.values())
        if before.owners == {own} and (declared or desired.named):
            if after is not None and "keys" in before.state:
                _require_keys_kept(before.state["keys"], after.state["keys"])
            return
        if _is_left_over(before) and declared:
            return
        if move.what == "disown" and own in before.owners and (declared or desired.named):
            return  # it takes its own mark off, whoever else has put one there
        assert after == before, f"{address} of {sorted(before.owners)} after {move}"
        self._proof.tried("objects of others")

    def _read(self, move: Move, before: Mapping[str, Thing]) -> None:
        """Plan as somebody who may do little: it works, or says which right is missing."""
        access = Access(
            host=self._workspace.host,
            token=SecretStr(self._reader),
            environ=self._world(move.team, move.version).environ(),
        )
        desired = self._desired(move.team, move.version)
        made = plan(desired, access=access, options=EVERYTHING)
        said = {each.address: f"{each.message} {each.remedy}" for each in made.guards}
        api = Api(self._workspace.host, self._reader)
        for address in set(desired.keys.values()) & set(before):
            kind, _, name = address.partition(".")
            scope = kind == "secret_scopes"
            status, _ = (
                api("GET", "/api/2.0/secrets/list", scope=name)
                if scope
                else api("GET", f"/api/2.0/serving-endpoints/{name}")
            )
            assert (status == 403) == ("not visible" in said.get(address, "")), (address, status, made.guards)
            if status == 403:
                assert ("READ" if scope else "CAN_VIEW") in said[address]
                self._proof.tried("missing rights")

    def _by_hand(self, move: Move) -> None:
        """Do what another client might do, or another person."""
        scope, endpoint = {"scope": move.name}, f"/api/2.0/serving-endpoints/{move.name}"
        tagged = {"tag": ("cost", "ops"), "claim": ("provisioning-set", STRANGER)}
        put = {"key": ("by-hand", "sk-by-hand"), "marker": (f"_provisioning.{STRANGER}", "{}")}
        calls: dict[str, tuple[str, str, object]] = {
            "scope": ("POST", "/api/2.0/secrets/scopes/create", scope),
            "endpoint": ("POST", "/api/2.0/serving-endpoints", {"name": move.name}),
            "let go": ("PATCH", f"{endpoint}/tags", {"delete_tags": ["provisioning-set"]}),
            "grant": ("POST", "/api/2.0/secrets/acls/put", scope | {"principal": READER, "permission": "READ"}),
        }
        for what, (key, value) in tagged.items():
            calls[what] = ("PATCH", f"{endpoint}/tags", {"add_tags": [{"key": key, "value": value}]})
        for what, (key, value) in put.items():
            calls[what] = ("POST", "/api/2.0/secrets/put", scope | {"key": key, "string_value": value})
        self.api(*calls[move.what])

    def _world(self, team: int, version: int) -> World:
        return self._versions[(2 * team + version) % len(self._versions)]

    def _desired(self, team: int, version: int) -> Desired:
        folder, name = TEAMS[team]
        return self._world(team, version).desired(self._folder / folder, name=name)

    def _access(self, team: int, version: int, identity: int) -> Access:
        environ = self._world(team, version).environ()
        return Access(host=self._workspace.host, token=SecretStr(self._tokens[identity]), environ=environ)


def _require_keys_kept(before: Mapping[str, object], after: Mapping[str, object]) -> None:
    """See that what others put into a scope of ours is still there, markers included."""
    ours = {*KEYS, *(key for key in before if key.startswith("_provisioning.") and key != f"_provisioning.{STRANGER}")}
    assert {key: value for key, value in before.items() if key not in ours}.items() <= after.items()


def _is_left_over(thing: Thing) -> bool:
    """Tell whether this may be what a broken-off apply left behind: nobody can say whose it is."""
    return thing.state.get("keys") == {} and list(thing.state["acls"].values()) == ["MANAGE"]


def test_no_apply_or_destroy_touches_what_is_somebody_elses(
    proof: Proof, server: LocalWorkspace, tmp_path: Path
) -> None:
    def lives(drawn: tuple[list[World], list[Move]]) -> None:
        town = Town(server.fork(), tmp_path, drawn[0], proof)
        for move in drawn[1]:
            town.make(move)
        proof.tried("histories")

    drawn = st.tuples(st.lists(worlds(), min_size=2 * len(TEAMS), max_size=2 * len(TEAMS)), MOVES)
    proof.holds(lives, drawn, quick=20, full=500, shrink=False)
