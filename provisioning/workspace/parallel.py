"""Several reads at once."""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_WORKERS = 8
"""The permissions API takes 20 calls at once from a whole workspace."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@contextmanager
def readers() -> Iterator[ThreadPoolExecutor]:
    """Open a pool of workers that read; when it is left, whatever has not begun is not begun any more."""
    pool = ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="read")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def see_through(reads: Sequence[Future[Any]]) -> None:
    """Wait until all reads have ended, or one has failed: what that one raised is raised at once."""
    wait(reads, return_when=FIRST_EXCEPTION)
    for read in reads:
        if read.done():
            read.result()


def in_parallel(items: Sequence[Item], read: Callable[[Item], Answer]) -> Iterable[Answer]:
    """Read something for each item, in the items' order."""
    if len(items) <= 1:
        return [read(item) for item in items]
    with readers() as pool:
        reads = [pool.submit(read, item) for item in items]
        see_through(reads)
        return [each.result() for each in reads]
