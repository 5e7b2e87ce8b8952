"""Connections for the log: binary, autocommitting, with limits of our own, and checked to be durable."""

from typing import Any

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.conninfo import make_conninfo

from projections.opening import WholeConnection

_OPTIONS = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "connect_timeout": 5,
}
_SAFE = {"fsync": {"on"}, "full_page_writes": {"on"}, "synchronous_commit": {"on", "remote_apply"}}


class NotDurable(RuntimeError):
    """The server may lose what it has acknowledged; the message names the setting to change."""


async def connect(dsn: str, *, statement_timeout: float = 30.0, name: str = "certferry") -> AsyncConnection[Any]:
    """An autocommitting connection. `statement_timeout` in seconds. Raises psycopg.OperationalError."""
    conninfo = make_conninfo(dsn, application_name=name, **_OPTIONS)
    connection = await WholeConnection.connect(conninfo, autocommit=True)
    milliseconds = int(statement_timeout * 1000)
    try:
        await connection.execute(f"SET statement_timeout = {milliseconds}".encode())
        await connection.execute("SET default_transaction_isolation = 'read committed'")
    except BaseException:  # whoever asked may have been cancelled: nobody else could close it
        await connection.close()
        raise
    return connection


def check_durable(connection: Connection[Any]) -> None:
    """Raise NotDurable unless the server keeps what it acknowledges."""
    _judge(connection.execute(_QUERY, [list(_SAFE)]).fetchall())


async def check_durable_async(connection: AsyncConnection[Any]) -> None:
    """`check_durable` for an asynchronous connection."""
    _judge(await (await connection.execute(_QUERY, [list(_SAFE)])).fetchall())


_QUERY = "SELECT name, setting FROM pg_settings WHERE name = ANY (%s)"


def _judge(settings: list[tuple[str, str]]) -> None:
    for name, setting in settings:
        if setting not in _SAFE[name]:
            raise NotDurable(
                f"the database has {name} = {setting}: it may lose acknowledged work. Set it to 'on' in the server's "
                "configuration (and in no role, database or connection setting)"
            )


def is_lost(error: psycopg.Error, connection: AsyncConnection[Any] | None) -> bool:
    """Whether an error means that the connection is gone, so that nobody knows what became of the statement."""
    return connection is None or connection.closed or isinstance(error, psycopg.errors.AdminShutdown)
