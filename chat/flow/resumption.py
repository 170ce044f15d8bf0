"""A streamed answer that may take more than one attempt: what has come of it, and how to ask for the rest."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chat.assembler import Assembler
from chat.errors import CallTimeoutError, ChatError, StreamCutError, StreamFailedError
from chat.flow.retry import PASSING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chat.flow.attempt import Call
    from chat.flow.steps import T
    from chat.messages import Answer

_MOST = 5
"""How often an answer is gone on with, at most."""

# As a turn of the user: a request that ends with the assistant's own words is refused by newer models, and taken for a
# finished turn by others.
_GO_ON = (
    "Your last message was cut off. Go on exactly where it stops, in the middle of a word if need be: repeat nothing, "
    "explain nothing, begin no new paragraph unless one is due."
)


class Unfinished:
    """One answer on its way.

    Args:
        call: what was asked.
    """

    def __init__(self, call: Call[T]) -> None:
        self._body = call.body
        self._allowed = call.resume and call.stream and call.body.get("response_format") is None
        self._resumed: list[dict[str, object]] = []

    @cached_property
    def _assembler(self) -> Assembler:
        return Assembler()  # made for a stream, or where one has failed: most calls are neither

    @property
    def assembler(self) -> Assembler:
        """What the next attempt adds to."""
        if not self._assembler.begun:
            self._assembler = Assembler()  # an attempt that brought nothing leaves nothing, not even its id
        return self._assembler

    @property
    def body(self) -> Mapping[str, object]:
        """What the next attempt asks for: the answer, or the rest of it."""
        messages = self._body.get("messages")
        if not self._resumed or not isinstance(messages, list):
            return self._body
        said = {"role": "assistant", "content": self._assembler.answer().text}
        return {**self._body, "messages": [*messages, said, {"role": "user", "content": _GO_ON}]}

    @property
    def origin(self) -> dict[str, object]:
        """What the answer's metadata says of it."""
        return {"resumed": list(self._resumed)} if self._resumed else {}

    @property
    def partial(self) -> Answer | None:
        """What has come so far, or None if nothing has."""
        return self._assembler.answer(self.origin) if self._assembler.begun else None

    def passing(self, error: ChatError) -> ChatError | None:
        """Say why a stream broke, if the rest of its answer may be asked for; None if it may not.

        Only plain text is gone on with: half the arguments of a tool call, half a JSON document and one of several
        choices cannot be continued so that the pieces fit, and an answer whose end is known is complete.

        Args:
            error: how it broke.
        """
        if not self._allowed or error.partial is None or len(self._resumed) >= _MOST:
            return None
        answer = self._assembler.answer()
        plain = len(answer.choices) == 1 and answer.text and not answer.tool_calls and not self._assembler.finished
        if not plain:
            return None
        if isinstance(error, (StreamCutError, CallTimeoutError)):
            return error
        cause = error.__cause__
        return cause if isinstance(error, StreamFailedError) and isinstance(cause, PASSING) else None

    def resume(self, reason: ChatError) -> bool:
        """Ask for the rest from now on.

        Args:
            reason: why the stream broke.

        Returns:
            Whether more had come of it since the last time.
        """
        length = len(self._assembler.answer().text)
        before = self._resumed[-1]["after"] if self._resumed else 0
        usage = self._assembler.next_part()
        self._resumed.append({"after": length, "reason": reason.message, "usage": usage})
        return length != before
