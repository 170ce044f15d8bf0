"""The local model as an upstream of its own: an OpenAI-compatible server on localhost that checks its key."""

from __future__ import annotations

import json
import secrets
from concurrent.futures import TimeoutError as NotYetError
from typing import TYPE_CHECKING

from local_workspace.upstreams.local_model.installed import find
from local_workspace.upstreams.local_model.process import LOAD_SECONDS, LlamaServer, ModelFailedError

if TYPE_CHECKING:
    from collections.abc import Callable


def serve(*, port: int, key: str | None, say: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Args:
        port: where to listen on 127.0.0.1; 0: any that is free.
        key: what callers must show; None: one that is made up.
        say: told in one line of JSON where it listens and what its key is, as soon as it answers.

    Raises:
        NotInstalledError: the server or the model is not installed.
        ModelFailedError: the server could not be started, or ended.
    """
    key = key or f"sk-{secrets.token_urlsafe(32)}"
    server = LlamaServer(find(), key=key, port=port)
    try:
        try:
            address = server.address.result(timeout=LOAD_SECONDS)
        except NotYetError:
            raise ModelFailedError(f"it was not loaded within {LOAD_SECONDS:.0f} s") from None
        say(json.dumps({"openai_api_base": f"{address}/v1", "openai_api_key": key}))
        server.ended.wait()
        raise ModelFailedError("it ended")
    finally:
        server.stop()
