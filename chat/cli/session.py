"""The conversation on a terminal."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from chat.cli.terminal import complain, note, show, show_calls
from chat.errors import ChatError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chat.client import ChatClient

_HELP = """\
/system TEXT   begin again under these instructions
/reset         forget the conversation
/quit          end (or Ctrl-D)
A line that ends with a backslash goes on in the next. \"\"\" begins and ends a text of several lines.
Ctrl-C stops an answer."""

_FENCE = '"""'


class Session:
    """A conversation: what was said, and the loop that goes on with it.

    Args:
        client: whom to ask.
        system: instructions that come first.
        params: further fields of each request.
        read: reads one line after a prompt; raises EOFError at the end.
    """

    def __init__(
        self,
        client: ChatClient,
        *,
        system: str | None,
        params: Mapping[str, Any],
        read: Callable[[str], str] = input,
    ) -> None:
        self._client = client
        self._params = params
        self._read = read
        self._system = system
        self._history: list[dict[str, Any]] = []

    def run(self) -> None:
        """Talk until the user ends it."""
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401, PLC0415 - loading it gives `input` a line editor and a history

        note("/help lists the commands, Ctrl-D ends.")
        while True:
            try:
                text = self._next()
            except EOFError:
                show("\n")
                return
            except KeyboardInterrupt:
                note("\n(Ctrl-D ends)")
                continue
            if text.startswith("/"):
                if not self._command(text):
                    return
            elif text.strip():
                self._answer(text)

    def _next(self) -> str:
        """Read what the user says next, over several lines if asked to."""
        line = self._read("> ")
        if line.strip().startswith(_FENCE):
            lines = [line.strip().removeprefix(_FENCE)]
            while not lines[-1].rstrip().endswith(_FENCE):
                lines.append(self._read("… "))
            return "\n".join(lines).rstrip().removesuffix(_FENCE).strip("\n")
        while line.endswith("\\"):
            line = f"{line[:-1]}\n{self._read('… ')}"
        return line

    def _command(self, text: str) -> bool:
        """Carry out a command; False ends the session."""
        name, _, rest = text.partition(" ")
        match name:
            case "/quit" | "/exit":
                return False
            case "/reset":
                self._history.clear()
                note("The conversation is forgotten.")
            case "/system":
                self._system = rest.strip() or None
                self._history.clear()
                note("The conversation begins again.")
            case _:
                note(_HELP)
        return True

    def _answer(self, text: str) -> None:
        """Ask, and show the answer; one that fails or is stopped leaves the conversation as it makes sense."""
        asked = {"role": "user", "content": text}
        system = [{"role": "system", "content": self._system}] if self._system else []
        said: list[str] = []
        try:
            with self._client.stream([*system, *self._history, asked], **self._params) as stream:
                for chunk in stream:
                    said.append(chunk.text)
                    show(chunk.text)
            answer = stream.answer
        except KeyboardInterrupt:
            note("\n(stopped)")
            if any(said):
                self._history += [asked, {"role": "assistant", "content": "".join(said)}]
            return
        except ChatError as error:
            if any(said):
                show("\n")
            complain(error)
            return
        show("\n")
        if answer is not None:
            show_calls(answer)
            self._history += [asked, answer.message]
