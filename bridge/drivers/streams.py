"""Connections to services as seen from a target: what both kinds of host share."""

from typing import Protocol

import msgspec

from bridge.drivers.failure import DriverFailure
from bridge.protocol import FailureCause

_CHUNK = 65_536


class _Reader(Protocol):
    async def read(self, n: int, /) -> bytes: ...


class _Writer(Protocol):
    def write(self, data: bytes, /) -> None: ...

    async def drain(self) -> None: ...


class ReadWrite(msgspec.Struct, frozen=True):
    """Implements `Stream` over the readers and writers of asyncio and of asyncssh, which are alike."""

    reader: _Reader
    writer: _Writer

    async def read(self) -> bytes:
        return await self.reader.read(_CHUNK)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


def host_and_port(address: str) -> tuple[str, int]:
    """Of `host:port` or `[2001:db8::1]:port`."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def no_answer(address: str, error: Exception) -> DriverFailure:
    """Nobody listens there, or nobody may connect."""
    return DriverFailure(FailureCause.SERVICE_RELOAD_FAILED, f"{address} cannot be reached: {error}")
