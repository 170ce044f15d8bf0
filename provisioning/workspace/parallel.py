"""Several reads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_WORKERS = 8
"""The permissions API takes 20 calls at once from a whole workspace."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def in_parallel(items: Sequence[Item], read: Callable[[Item], Answer]) -> Iterable[Answer]:
    """Read something for each item, in the items' order."""
    if len(items) <= 1:
        return [read(item) for item in items]
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        return list(pool.map(read, items))
