"""Connections to receivers, by the rules of probing: resolve once, every address must pass the policy, connect to that.

Between the check and the connection nobody is asked for the name again (DNS rebinding).
"""

import asyncio
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import cast

import httpcore
from httpcore import SOCKET_OPTION

from bridge.probing.policy import Address, AddressPolicy
from bridge.probing.resolving import Resolve
from domain.endpoint import host_name

MAX_ADDRESSES = 4


class RefusedByPolicy(Exception):
    """An address of the host is none that messages may be sent to; nothing was sent."""


class NoSuchName(Exception):
    """The host has no address."""


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """httpcore's connections, each to an address that was checked."""

    def __init__(self, policy: AddressPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve
        self._network = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """To the first address that answers. Raises RefusedByPolicy, NoSuchName, httpcore.ConnectError."""
        addresses = await self._addresses(host, timeout)
        if not all(map(self._policy.allows, addresses)):
            raise RefusedByPolicy
        share = timeout / len(addresses[:MAX_ADDRESSES]) if timeout else None
        *others, last = addresses[:MAX_ADDRESSES]
        for address in others:
            try:
                return await self._network.connect_tcp(str(address), port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(str(last), port, share, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """For the pool's own pauses."""
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, timeout: float | None) -> Sequence[Address]:
        if host_name(host) is None:
            return (ip_address(host),)
        try:
            async with asyncio.timeout(timeout):
                found = await self._resolve(host)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        except (OSError, UnicodeError):
            raise NoSuchName from None
        if not found:
            raise NoSuchName
        return found
