"""The reception of one stream: bytes in, chunks out, and a verdict on how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from chat.errors import (
    LARGER_REMEDY,
    TIMEOUT_REMEDY,
    BadAnswerError,
    CallTimeoutError,
    ChatError,
    Details,
    StreamCutError,
    StreamFailedError,
    inert,
)
from chat.sse import DONE, Decoder, Event
from chat.wire import (
    Response,
    ResponseEvents,
    concealed,
    failed_response,
    is_failure,
    is_response_event,
    metadata,
    parse,
    refusal,
    wrong_answer,
)

if TYPE_CHECKING:
    from chat.assembler import Assembler
    from chat.messages import Answer, Chunk

_CUT_REMEDY = "Text had come already: use `partial`, or pass resume=True to have the rest asked for."


class Reception:
    """Receives one stream.

    An error before the first piece of the answer is raised as the refusal it is, so that a retry can follow. After
    it, every bad end is a `StreamError` that carries the answer so far.

    Args:
        response: the stream's head.
        credential: our own token, to be kept out of errors.
        assembler: takes in what comes; it may hold an earlier part of the same answer.
        max_bytes: how large one event may be.
    """

    def __init__(self, response: Response, credential: str, assembler: Assembler, *, max_bytes: int) -> None:
        self._response = response
        self._credential = credential
        self._decoder = Decoder()
        self._assembler = assembler
        self._max_bytes = max_bytes
        self._events = ResponseEvents()
        self.over = False
        self.failure: ChatError | None = None

    def take(self, piece: bytes) -> list[Chunk]:
        """Take in the stream's next bytes, or its end.

        Args:
            piece: the bytes; empty at the stream's end.

        Returns:
            The chunks they complete. An error that follows text in the same piece is put into `failure`, so that the
            text is delivered first.

        Raises:
            StreamError: the stream broke after text had come.
            RefusedError: it is an error and nothing else.
            BadAnswerError: it holds no answer.
        """
        chunks: list[Chunk] = []
        for event in self._decoder.feed(piece) if piece else self._decoder.flush():
            if event.data == DONE:
                return chunks + self._end()
            try:
                chunks += self._chunks(event, at_end=not piece)
            except ChatError as error:
                if not chunks:
                    raise
                self.failure = error
                return chunks
        if self._decoder.held > self._max_bytes:
            self.failure = self._broken(f"one event has more than {self._max_bytes} bytes", remedy=LARGER_REMEDY)
        elif piece:
            return chunks
        elif self._assembler.finished:
            return chunks + self._end()  # some gateways close the stream without [DONE]
        else:
            self.failure = self.cut()
        if not chunks:
            raise self.failure
        return chunks

    def cut(self) -> StreamCutError:
        """The error of a stream that stopped here."""
        begun = self._assembler.begun
        missing = "its text is whole, but no [DONE] came" if self._assembler.finished else "no finish_reason came"
        return StreamCutError(
            f"The stream was cut before its end: {missing}.",
            remedy=_CUT_REMEDY if begun else None,
            details=Details(status=self._response.status, request_id=self._response.request_id),
            partial=self._assembler.answer() if begun else None,
        )

    def stalled(self, message: str) -> CallTimeoutError:
        """The error of a stream that fell silent here, with what had come before.

        Args:
            message: how it fell silent.
        """
        partial = self._assembler.answer() if self._assembler.begun else None
        return CallTimeoutError(message, remedy=TIMEOUT_REMEDY, partial=partial)

    def answer(self, origin: Mapping[str, object]) -> Answer:
        """The answer as far as it has come.

        Args:
            origin: what to say in its metadata of how it came about.
        """
        return self._assembler.answer({**origin, **metadata(self._response, {})})

    def _end(self) -> list[Chunk]:
        if not self._assembler.begun:
            raise BadAnswerError(
                "The endpoint's stream ended without any choice.",
                remedy="Try again; a content filter may have removed them all.",
                details=Details(status=self._response.status, request_id=self._response.request_id),
            )
        self.over = True
        return [self._assembler.last()]

    def _chunks(self, event: Event, *, at_end: bool) -> list[Chunk]:
        try:
            payload = parse(event.data)
        except (ValueError, RecursionError) as error:
            if at_end:  # half an object: the connection went away inside it
                raise self.cut() from error
            raise self._broken(
                f"the stream holds what is no JSON: {inert(self._discreet(event.data), limit=160)!r}"
            ) from error
        if not isinstance(payload, Mapping):
            raise self._broken(f"the stream holds a JSON {type(payload).__name__} instead of an object")
        if is_failure(payload) or event.name == "error" or failed_response(payload) is not None:
            report = cast("Mapping[str, object]", parse(self._discreet(event.data)))
            raise self._refused(failed_response(report) or report)
        translated = self._events.chunk(payload) if is_response_event(payload) else payload
        chunks = self._assembler.add(translated) if translated is not None else []
        if not chunks and not self._assembler.begun and "predictions" in payload:
            raise wrong_answer(self._response, payload)
        return chunks

    def _refused(self, payload: Mapping[str, object]) -> ChatError:
        """Make the error of an error object: the plain refusal if nothing else has come, for a retry to judge."""
        error = refusal(self._response, payload)
        if not self._assembler.begun:
            return error
        failed = StreamFailedError(
            f"The server put an error into the stream: {error.message}",
            remedy=_CUT_REMEDY,
            details=error.details,
            partial=self._assembler.answer(),
        )
        failed.__cause__ = error
        return failed

    def _broken(self, what: str, *, remedy: str | None = None) -> ChatError:
        details = Details(status=self._response.status, request_id=self._response.request_id)
        partial = self._assembler.answer() if self._assembler.begun else None
        return StreamFailedError(f"The stream broke: {what}.", remedy=remedy, details=details, partial=partial)

    def _discreet(self, text: str) -> str:
        return concealed(text.encode(), self._credential).decode()
