"""What a check is, what it has to work with, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_workspace.parity.rules import ALL
from local_workspace.settings import Behaviour

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace.parity.rule import Rule
    from local_workspace.verify.caller import Caller, Reply
    from local_workspace.verify.scratch import Scratch
    from local_workspace.verify.target import Target

ENDPOINTS = "/api/2.0/serving-endpoints"
KEY = "sk-invalid-made-up-by-verify"
"""What stands for a provider's key: nobody's, and refused by OpenAI as by the simulator, so that no call costs."""

_READY_SECONDS = 300.0
_POLL = 2.0


@dataclass(frozen=True)
class Answer:
    """What a check found out.

    Attributes:
        value: a value of the rule's switch, or whether the rule holds; None: it could not be told.
        said: what the workspace answered, in a line.
    """

    value: object
    said: str


@dataclass
class Probe:
    """What a check works with.

    Attributes:
        call: sends a request.
        scratch: makes and names objects.
        target: the workspace.
        me: the caller's name.
        is_admin: whether the caller is an admin of the workspace.
        sleep: waits so many seconds.
    """

    call: Caller
    scratch: Scratch
    target: Target
    me: str
    is_admin: bool
    sleep: Callable[[float], None]
    _made: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def scope(self) -> str:
        """The run's scope, with the key `key` in it; made when first asked for."""
        if "scope" not in self._made:
            self.need(self.scratch.create_scope("scope"))
            self.put_key()
            self._made["scope"] = self.scratch.named("scope")
        return self._made["scope"]

    def put_key(self) -> None:
        """Write the key that the run's endpoints refer to."""
        body = {"scope": self.scratch.named("scope"), "key": "key", "string_value": KEY}
        self.need(self.call("POST", "/api/2.0/secrets/put", body))

    @property
    def endpoint(self) -> str:
        """The run's endpoint of an external model, ready; made when first asked for."""
        if "endpoint" not in self._made:
            self._made["id"] = str(self.need(self.scratch.create_endpoint("chat", config=self.config())).get("id", ""))
            self._made["endpoint"] = self.scratch.named("chat")
            self.ready(self._made["endpoint"])
        return self._made["endpoint"]

    @property
    def endpoint_id(self) -> str:
        """The id of the run's endpoint; made when first asked for."""
        return self._made["id"] if self.endpoint else ""

    def config(self, name: str = "model", **fields: object) -> dict[str, Any]:
        """Return a config of one external model whose key is the run's."""
        return {"served_entities": [self.entity(name, **fields)]}

    def entity(self, name: str = "model", **fields: object) -> dict[str, Any]:
        """Return a served entity of OpenAI's; `fields` are those of its `openai_config`."""
        openai = fields or {"openai_api_key": f"{{{{secrets/{self.scope}/key}}}}"}
        model = {"provider": "openai", "name": "gpt-4o-mini", "task": "llm/v1/chat", "openai_config": openai}
        return {"name": name, "external_model": model}

    def ready(self, name: str) -> dict[str, Any]:
        """Wait until no update of an endpoint runs, and return the endpoint.

        Raises:
            UnansweredError: it takes too long, or the endpoint cannot be read.
        """
        waited = 0.0
        while True:
            shown = self.need(self.call("GET", f"{ENDPOINTS}/{name}"))
            if (shown.get("state") or {}).get("config_update") != "IN_PROGRESS":
                return shown
            if waited >= _READY_SECONDS:
                raise UnansweredError(f"the endpoint was updating for more than {waited:.0f} seconds")
            self.sleep(_POLL)
            waited += _POLL

    def ask(self, name: str) -> Reply:
        """Call an endpoint."""
        body = {"messages": [{"role": "user", "content": "Say hello"}], "max_tokens": 1}
        return self.call("POST", f"/serving-endpoints/{name}/invocations", body)

    def need(self, reply: Reply) -> dict[str, Any]:
        """Return the body of an answer that the check depends on.

        Raises:
            UnansweredError: it is no 200, or no object.
        """
        if not reply.ok or not isinstance(reply.body, dict):
            raise UnansweredError(f"what it needs was refused: {reply.summary()}")
        return reply.body


class UnansweredError(Exception):
    """A check that cannot be carried out here.

    Args:
        message: why.
    """


@dataclass(frozen=True)
class Check:
    """How a rule of the ledger is asked of a workspace.

    Attributes:
        rule_id: the rule.
        run: asks.
        calls: how many requests it makes at most, those for what it shares with others left out.
        makes: what it creates.
        reserved: why it runs only when it is named, if so; its cost, or what it may leave behind.
        expected: what the workspace here does, where that is not simply its switch's default.
    """

    rule_id: str
    run: Callable[[Probe], Answer]
    calls: int = 2
    makes: str = ""
    reserved: str = ""
    expected: object = None

    @property
    def rule(self) -> Rule:
        """The rule."""
        return ALL[self.rule_id]

    @property
    def name(self) -> str:
        """What the command line calls it: its switch, or its rule."""
        return self.rule.switch or self.rule_id

    @property
    def here(self) -> object:
        """What the workspace on localhost does by default."""
        if self.expected is not None:
            return self.expected
        return True if self.rule.switch is None else getattr(Behaviour(), self.rule.switch)
