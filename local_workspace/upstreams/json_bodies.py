"""Read a request's body as a JSON object that can be written again."""

from __future__ import annotations

import json
from typing import Any


def read_object(payload: bytes) -> dict[str, Any]:
    r"""Read a JSON object.

    Raises:
        ValueError: It is no JSON (NaN is none, though Python reads it), no object, nested too deeply, or holds half
            a surrogate pair (`"\ud800"`), which JSON can escape but no answer could write.
    """
    try:
        body = json.loads(payload, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(body, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one error for every bad body
    if b"\\ud" in payload or b"\\uD" in payload:
        json.dumps(body, ensure_ascii=False).encode()
    return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
