"""The built-in embedding model: unit vectors from words, so that texts which share words lie near each other."""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.builtin import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_DIMENSIONS = 1536
_OF_MODEL = {"text-embedding-3-large": 3072, "gte-large-en": 1024, "bge-large-en": 1024, "qwen3-embedding": 1024}


def embed(text: str, *, dimensions: int) -> list[float]:
    """Embed a text as a vector of length 1."""
    sums = [0] * dimensions
    for token in tokens.split(text.lower()) or ("",):
        sums = [total + part for total, part in zip(sums, _direction(token.strip(), dimensions), strict=True)]
    length = math.sqrt(math.fsum(part * part for part in sums)) or 1.0
    return [part / length for part in sums]


def embedding_list(request: Mapping[str, Any], *, model: str) -> dict[str, Any]:
    """Answer an embeddings request in OpenAI's shape.

    Args:
        request: `input` is a text, texts, a list of token numbers, or several; `dimensions` and
            `encoding_format` as in OpenAI's API.
        model: The name to answer with; it also decides the default number of dimensions.
    """
    texts = input_texts(request["input"])
    dimensions = int(request.get("dimensions") or _default_dimensions(model))
    as_base64 = request.get("encoding_format") == "base64"
    spent = sum(tokens.count(text) for text in texts)
    vectors = (embed(text, dimensions=dimensions) for text in texts)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _encode(vector) if as_base64 else vector}
            for index, vector in enumerate(vectors)
        ],
        "model": model,
        "usage": {"prompt_tokens": spent, "total_tokens": spent},
    }


def input_texts(given: object) -> list[str]:
    """Read the `input` of an embeddings request, or the `prompt` of a completion, as texts."""
    if isinstance(given, str):
        return [given]
    if isinstance(given, list) and given and all(isinstance(item, int) for item in given):
        return [_spell(given)]
    if isinstance(given, list):
        return [item if isinstance(item, str) else _spell(item) for item in given]
    return [str(given)]


def _spell(numbers: object) -> str:
    """Token numbers mean nothing here; spelled out they still give equal inputs equal answers."""
    return " ".join(map(str, numbers)) if isinstance(numbers, list) else str(numbers)


def _default_dimensions(model: str) -> int:
    spelled = model.replace("_", "-")  # `system.ai` writes gte_large_en_v1_5 for what endpoints call gte-large-en
    return next((size for name, size in _OF_MODEL.items() if name in spelled), DEFAULT_DIMENSIONS)


@lru_cache(maxsize=2048)
def _direction(token: str, dimensions: int) -> tuple[int, ...]:
    """The direction of a token, odd numbers so that no text adds up to nothing by being empty."""
    digest = hashlib.shake_128(token.encode()).digest(dimensions)
    return tuple(2 * byte - 255 for byte in digest)


def _encode(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
