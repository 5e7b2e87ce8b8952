"""Servers to look at: real TLS servers of every kind in this process, and things that are none.

Each is an async context manager that listens on a port of the system's choice and leaves nothing behind.
"""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from adapters.keys.authorities import certificate_pem
from tests.adapters.x509.certificates import Made

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def server_context(folder: Path, made: Made, *issuers: Made) -> ssl.SSLContext:
    """A server's TLS context that serves a certificate and its issuers."""
    (folder / "chain.pem").write_text(made.pem + "".join(certificate_pem(each.certificate) for each in issuers))
    (folder / "key.pem").write_text(made.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    return context


def by_name(contexts: Mapping[str, ssl.SSLContext], default: ssl.SSLContext) -> ssl.SSLContext:
    """`default`, changing to another context for the server names in `contexts`."""

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.context = contexts.get(name or "", default)

    default.sni_callback = choose
    return default


def only(context: ssl.SSLContext, version: ssl.TLSVersion, ciphers: str | None = None) -> ssl.SSLContext:
    """Nothing but one version of TLS, weak ciphers included where they are named."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions: exactly what is asked for here
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
        context.minimum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    return context


@asynccontextmanager
async def listening(handler: Handler, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server that runs `handler` per connection."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, EOFError, ssl.SSLError):
                await handler(reader, writer)
                writer.close()
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(accept(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while getattr(server, "_active_count", 0):  # before Python 3.12 wait_closed does not wait
            await asyncio.sleep(0.001)
        await server.wait_closed()


@asynccontextmanager
async def tls_server(context: ssl.SSLContext, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """The port of a TLS server that says nothing after the handshake."""

    async def wait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(wait, host, context) as port:
        yield port


@asynccontextmanager
async def saying(answer: bytes, *, first: bool = False) -> AsyncIterator[int]:
    """The port of a server that sends `answer`, at once or after it heard something, and closes."""

    async def answer_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not first:
            await reader.read(65_536)
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with listening(answer_and_close) as port:
        yield port


@asynccontextmanager
async def tarpit() -> AsyncIterator[int]:
    """The port of a server that accepts and never says a word."""

    async def never(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with listening(never) as port:
        yield port


@asynccontextmanager
async def closed_port(host: str = "127.0.0.1") -> AsyncIterator[int]:
    """A port that was just free."""

    async def nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        return

    async with listening(nothing, host) as port:
        pass
    yield port


@asynccontextmanager
async def changing(port: int, change: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """The port of a go-between that changes what the server on `port` sends, record stream by record stream."""

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65_536):
                sink.write(data)
            sink.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            upstream_writer.write(await reader.read(65_536))
            writer.write(change(await _first_flight(upstream_reader)))
            await asyncio.gather(pump(upstream_reader, writer), pump(reader, upstream_writer))
        finally:
            upstream_writer.transport.abort()

    async with listening(relay) as own:
        yield own


async def _first_flight(reader: asyncio.StreamReader) -> bytes:
    """All records up to ServerHelloDone (handshake type 14, TLS 1.2)."""
    flight = b""
    while True:
        header = await reader.readexactly(5)
        body = await reader.readexactly(int.from_bytes(header[3:5], "big"))
        flight += header + body
        if body[0] == 14:
            return flight


def records(flight: bytes) -> list[bytes]:
    """The TLS records of a flight."""
    found = []
    while flight:
        end = 5 + int.from_bytes(flight[3:5], "big")
        found.append(flight[:end])
        flight = flight[end:]
    return found
