"""JSON bodies, written as compactly as they can be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def written(body: Mapping[str, Any]) -> bytes:
    """Return a body's bytes."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a surrogate pair, where a model's answer was cut: JSON can only escape it
        return json.dumps(body, separators=(",", ":")).encode()
