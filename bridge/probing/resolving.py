"""Names to addresses, once per probe: the addresses that were checked are the ones that are connected to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from bridge.probing.policy import Address

Resolve = Callable[[str], Awaitable[Sequence[Address]]]
"""All addresses of a host name, best first; raises OSError or UnicodeError when there are none."""


def system_resolver(threads: int = 8) -> Resolve:
    """The operating system's resolver, in threads of its own: a dead name server holds up nothing but names."""
    executor = ThreadPoolExecutor(threads, thread_name_prefix="resolve")

    def look_up(name: str) -> tuple[Address, ...]:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(ip_address(entry[4][0]) for entry in found))

    async def resolve(name: str) -> Sequence[Address]:
        return await asyncio.get_running_loop().run_in_executor(executor, look_up, name)

    return resolve
