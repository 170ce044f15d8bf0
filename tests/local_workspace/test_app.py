from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from local_workspace.app import Resources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def test_what_two_calls_ask_for_at_once_is_opened_once_and_closed_in_reverse() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def opening(name: str) -> AsyncIterator[object]:
        events.append(f"open {name}")
        await asyncio.sleep(0)
        yield object()
        events.append(f"close {name}")

    async def run() -> None:
        resources = Resources()
        first, second = await asyncio.gather(*(resources.once("a", lambda: opening("a")) for _ in range(2)))
        assert first is second
        await resources.once("b", lambda: opening("b"))
        await resources.close()

    asyncio.run(run())
    assert events == ["open a", "open b", "close b", "close a"]
