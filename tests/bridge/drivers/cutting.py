"""A TCP proxy that cuts the line after so many bytes: the way connections are really lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class CuttingProxy:
    """Forwards to one server on 127.0.0.1.

    `budget`: bytes from the client that the next connection lets through before both sides are cut; None: all.
    `passed`: bytes from the client that the last connection let through.
    """

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self.budget: int | None = None
        self.passed = 0
        self._server_port = server_port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        budget, self.budget, self.passed = self.budget, None, 0
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        back = asyncio.create_task(_forward(server_reader, writer))
        try:
            with contextlib.suppress(OSError):
                await self._let_through(reader, server_writer, budget)
        finally:
            # abort, not close: what is still buffered must not arrive.
            for each in (writer, server_writer):
                each.transport.abort()
            back.cancel()

    async def _let_through(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, budget: int | None
    ) -> None:
        while data := await reader.read(256):
            if budget is not None and self.passed + len(data) > budget:
                return
            self.passed += len(data)
            writer.write(data)
            await writer.drain()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@contextlib.asynccontextmanager
async def cutting_proxy(server_port: int) -> AsyncIterator[CuttingProxy]:
    """A listening proxy."""
    proxy = CuttingProxy(server_port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        yield proxy
