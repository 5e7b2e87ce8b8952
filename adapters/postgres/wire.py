"""One prepared statement on an asynchronous connection, without the driver's cursor.

Measured: a cursor's execute and fetch cost some 200 us of our CPU per statement, this costs 50, and the append path
runs one statement per batch of commands. Everything else uses cursors.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


async def run_prepared(
    connection: AsyncConnection[Any], name: bytes, parameters: Sequence[bytes | None]
) -> tuple[Any, ...]:
    """The one row that a prepared statement answers. Parameters and results are binary. Raises psycopg.Error.

    The connection must not be used by anything else meanwhile. After a cancellation its state is unknown: close it.
    """
    wire = connection.pgconn
    wire.send_query_prepared(name, parameters, [Format.BINARY] * len(parameters), Format.BINARY)
    await _answered(wire)
    result = wire.get_result()
    assert result is not None
    while wire.get_result() is not None:
        pass
    if result.status not in _GOOD:
        raise psycopg.errors.error_from_result(result)
    return _row(connection, result)


async def _answered(wire: PGconn) -> None:
    """Send what is buffered, read until the whole answer is there."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(wire.socket, ready.set)
    try:
        if wire.flush():
            await _flush(wire, loop, ready)
        while True:
            await ready.wait()
            ready.clear()
            wire.consume_input()
            if not wire.is_busy():
                return
    finally:
        loop.remove_reader(wire.socket)


async def _flush(wire: PGconn, loop: asyncio.AbstractEventLoop, ready: asyncio.Event) -> None:
    """A large batch does not fit into the socket at once; meanwhile the server may have something to say, too."""
    loop.add_writer(wire.socket, ready.set)
    try:
        while wire.flush():
            await ready.wait()
            ready.clear()
            wire.consume_input()
    finally:
        loop.remove_writer(wire.socket)
        ready.set()


def _row(connection: AsyncConnection[Any], result: PGresult) -> tuple[Any, ...]:
    transformer = Transformer(connection)
    transformer.set_pgresult(result)
    row: tuple[Any, ...] | None = transformer.load_row(0, tuple)
    assert row is not None
    return row
