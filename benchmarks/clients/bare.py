"""What the same work costs without any client: the request's bytes and the answer's JSON."""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from benchmarks.workers import serve

_MESSAGES = [{"role": "user", "content": "hi"}]


class Bare:
    """`http.client` for one call after the other, aiohttp for many at once; both keep their connections.

    Args:
        setting: `host`, `path`, `token`, `calls` and `calls_at_once`.
    """

    def __init__(self, setting: dict[str, Any]) -> None:
        self._calls: int = setting["calls"]
        self._calls_at_once: int = setting["calls_at_once"]
        self._path: str = setting["path"]
        self._url = setting["host"] + self._path
        self._headers = {"Authorization": f"Bearer {setting['token']}", "Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection(urlsplit(setting["host"]).netloc)
        self._session: aiohttp.ClientSession | None = None

    def invoke(self) -> int:
        """Make calls one after the other."""
        for _ in range(self._calls):
            body = json.dumps({"messages": _MESSAGES}).encode()
            self._connection.request("POST", self._path, body, self._headers)
            _ = json.loads(self._connection.getresponse().read())["choices"][0]["message"]["content"]
        return self._calls

    def stream(self) -> int:
        """Read one stream."""
        body = json.dumps({"messages": _MESSAGES, "stream": True}).encode()
        self._connection.request("POST", self._path, body, self._headers)
        chunks = 0
        for line in self._connection.getresponse():
            if line.startswith(b"data: {"):
                json.loads(line[6:])
                chunks += 1
        return chunks

    async def gather(self, many: int) -> int:
        """Make so many calls at once, a few times."""
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        times = max(2, self._calls_at_once // many)
        for _ in range(times):
            await asyncio.gather(*(self._ainvoke(self._session) for _ in range(many)))
        return times * many

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    async def _ainvoke(self, session: aiohttp.ClientSession) -> object:
        body = json.dumps({"messages": _MESSAGES}).encode()
        async with session.post(self._url, data=body, headers=self._headers) as response:
            return json.loads(await response.read())["choices"][0]["message"]["content"]


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    bare = Bare(given)
    at_once = {f"ainvoke-{many}": partial(bare.gather, many) for many in given["concurrent"]}
    serve({"invoke": bare.invoke, "stream": bare.stream, **at_once}, close=bare.close)
