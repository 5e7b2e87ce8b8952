"""How many probes run at once: in all, and per host, so that one slow host holds up nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Slots:
    """At most `total` at a time, at most `per_host` of them for one host."""

    def __init__(self, total: int = 64, per_host: int = 8) -> None:
        self._total = asyncio.Semaphore(total)
        self._per_host = per_host
        self._hosts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def one(self, host: str) -> AsyncIterator[None]:
        """Hold a slot for a host. The host's own comes first: waiting for a slow host takes no slot from the others."""
        of_host = self._hosts.get(host)
        if of_host is None:
            of_host = self._hosts[host] = asyncio.Semaphore(self._per_host)
        async with of_host, self._total:
            yield
