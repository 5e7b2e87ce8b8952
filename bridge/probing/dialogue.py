"""A talk in clear before TLS, byte by byte: nothing that was said too much is overlooked."""

import asyncio

from bridge.probing.reasons import Reason

MOST = 64 * 1024
"""Bytes a server may say before TLS."""


class NotBegun(Exception):
    """TLS does not begin here."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Dialogue:
    """Reads answers without taking a byte too many unnoticed. Everything raises NotBegun."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._ahead = bytearray()
        self._read = 0

    def say(self, words: bytes) -> None:
        """Send; the writer's buffer is large enough for all that is ever said here."""
        self._writer.write(words)

    async def exactly(self, size: int) -> bytes:
        """So many bytes."""
        while len(self._ahead) < size:
            await self._more()
        return self._take(size)

    async def line(self) -> bytes:
        """A line without its end."""
        while (end := self._ahead.find(b"\n")) < 0:
            await self._more()
        return self._take(end + 1).rstrip(b"\r\n")

    def end(self) -> None:
        """The server's yes was read: whatever it has said beyond is not its own."""
        if self._ahead:
            raise NotBegun(Reason.STARTTLS_PLAINTEXT)

    async def _more(self) -> None:
        try:
            data = await self._reader.read(16_384)
        except ConnectionError:
            data = b""
        self._read += len(data)
        if not data:
            raise NotBegun(Reason.STARTTLS_CONNECTION_LOST)
        if self._read > MOST:
            raise NotBegun(Reason.TOO_MUCH_DATA)
        self._ahead += data

    def _take(self, size: int) -> bytes:
        taken = bytes(self._ahead[:size])
        del self._ahead[:size]
        return taken
