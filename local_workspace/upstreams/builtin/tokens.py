"""The built-in model's tokens: pieces of text that join to exactly the text they came from."""

from __future__ import annotations

import hashlib
import re

# Eight letters a piece at most, so that counts come near those of real tokenisers, which split long words.
_PIECE = re.compile(r"\s?\w{1,8}|\s?[^\w\s]|\s")


def split(text: str) -> tuple[str, ...]:
    """Split a text into its tokens; joined, they are the text again."""
    return tuple(_PIECE.findall(text))


def count(text: str) -> int:
    """Count the tokens of a text."""
    return sum(1 for _ in _PIECE.finditer(text))


def log_probability(token: str, *, position: int, rank: int = 0) -> float:
    """Give a token the log probability that it always has at this position.

    Args:
        token: The token.
        position: Its index in the answer.
        rank: 0 for the token chosen, 1 for the best alternative and so on; a higher rank is always less likely.
    """
    digest = hashlib.blake2b(f"{position}:{token}".encode(), digest_size=2).digest()
    within_rank = int.from_bytes(digest, "big") / 65536
    return round(-0.01 - rank - within_rank * 0.9, 6)
