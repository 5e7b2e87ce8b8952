"""Saying something to a service's own interface on the target: plain bytes, or HTTP."""

from collections.abc import Iterable
from typing import Any

import asyncssh
import httpcore

from bridge.drivers.failure import ConnectionDropped, DriverFailure
from bridge.drivers.host import Host, Stream
from bridge.protocol import FailureCause

MAX_REPLY = 4_194_304
"""Bytes of an answer that are read."""


async def exchange(host: Host, address: str, said: bytes) -> bytes:
    """Everything that is answered until the service ends the connection. DriverFailure."""
    answer = bytearray()
    async with host.stream(address) as stream:
        try:
            await stream.write(said)
            while data := await stream.read():
                answer.extend(data)
                check_length(len(answer), address)
        except (OSError, asyncssh.Error) as error:
            raise broken(address, error) from error
    return bytes(answer)


def check_length(length: int, address: str) -> None:
    """No service has so much to say."""
    if length > MAX_REPLY:
        message = f"{address} answers more than {MAX_REPLY} bytes."
        raise DriverFailure(FailureCause.SERVICE_RELOAD_FAILED, message)


def broken(address: str, error: Exception) -> DriverFailure:
    """A conversation that broke off: the service's connection, or the whole way to the target."""
    if isinstance(error, (asyncssh.ConnectionLost, asyncssh.DisconnectError)):
        return ConnectionDropped(f"The connection was lost while {address} was asked: {error}")
    return DriverFailure(FailureCause.SERVICE_RELOAD_FAILED, f"{address} breaks off: {error}")


async def ask(
    host: Host, address: str, method: str, path: str, *, headers: Iterable[tuple[str, str]] = (), content: bytes = b""
) -> tuple[int, bytes]:
    """(status, body) of one HTTP/1.1 request. DriverFailure where none comes."""
    # Over a UNIX socket there is no host to name (RFC 9110, 7.2).
    named = [("Host", "" if address.startswith("/") else address), ("Connection", "close"), *headers]
    async with host.stream(address) as stream:
        try:
            async with httpcore.AsyncConnectionPool(network_backend=_Backend(stream)) as pool:
                answer = await pool.request(method, f"http://service.invalid{path}", headers=named, content=content)
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, asyncssh.Error) as error:
            raise broken(address, error) from error
    check_length(len(answer.content), address)
    return answer.status, answer.content


class _Backend(httpcore.AsyncNetworkBackend):
    """Every connection is the one that is open already."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def connect_tcp(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        return _Connection(self._stream)


class _Connection(httpcore.AsyncNetworkStream):
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 # whole calls are timed
        return await self._stream.read()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 # whole calls are timed
        if buffer:
            await self._stream.write(buffer)

    async def aclose(self) -> None:
        """Whoever opened the stream closes it."""

    def get_extra_info(self, info: str) -> Any:  # noqa: ARG002 # nothing is known
        return None
