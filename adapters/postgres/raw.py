"""The ledger's rows as the bytes that are stored, in its order: for whoever recomputes all of it.

`COPY ... (FORMAT binary)`: the fastest way out of the server, and nothing is converted that will be hashed.
"""

import struct
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import Connection

from adapters.postgres.copying import copied
from projections.engine import Entry

PAGE = 5000
_CHUNK = 50_000  # positions per statement: no snapshot is held for long
_COLUMNS = (
    "notification_id, originator_id, originator_version, recorded_at, correlation_id, topic, state, leaf, salt, actor"
)
_FOLDED = "notification_id, originator_id, originator_version, recorded_at, topic, state"
_FIXED = Struct(">h i q i 16s i q i 8s i 16s i")  # each field behind its length; the last is the length of the topic
_FIXED_FOLDED = Struct(">h i q i 16s i q i 8s i")
_LENGTH = Struct(">i").unpack_from
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""From where PostgreSQL counts instants."""
_MICROSECONDS = Struct(">q")


class RawEvent(NamedTuple):
    """One row. `recorded_at` is in the server's 8 bytes (`instant_of`), ids are 16 bytes.

    The first seven are what projections.engine takes as an Entry.
    """

    position: int
    stream: bytes
    version: int
    recorded_at: bytes
    topic: str
    payload: bytes
    leaf: bytes
    salt: bytes
    actor: str
    correlation_id: bytes


class NotAsExpected(ValueError):
    """The server's rows have another shape than the ledger's table."""


def connect_raw(dsn: str, name: str) -> Connection[Any]:
    """A connection for long reads, one statement after the other. Raises psycopg.OperationalError."""
    return psycopg.connect(dsn, autocommit=True, connect_timeout=5, application_name=name)


def pages(connection: Connection[Any], after: int, until: int, *, size: int = PAGE) -> Iterator[list[RawEvent]]:
    """Rows after a position up to another, in the order of positions, whatever numbers these are."""
    for start in range(after, until, _CHUNK):
        page: list[RawEvent] = []
        for row in _rows(connection, start, min(start + _CHUNK, until)):
            page.append(row)
            if len(page) == size:
                yield page
                page = []
        if page:
            yield page


def of_topics(connection: Connection[Any], after: int, until: int, topics: Iterable[str]) -> list[Entry]:
    """The rows after a position up to another whose events are of some types, to be folded: without leaf and salt."""
    some = ", ".join(f"'{topic}'" for topic in topics)
    stretch = f"notification_id > {after:d} AND notification_id <= {until:d} AND topic IN ({some})"
    query = f"SELECT {_FOLDED} FROM ledger.events WHERE {stretch} ORDER BY notification_id"  # noqa: S608 - our own names
    return list(map(_parsed_folded, copied(connection, query))) if some else []


def of_streams(connection: Connection[Any], streams: Iterable[UUID]) -> list[RawEvent]:
    """All rows of some streams, in the order of positions."""
    ids = ", ".join(f"'{stream}'" for stream in streams)
    query = f"SELECT {_COLUMNS} FROM ledger.events WHERE originator_id IN ({ids}) ORDER BY notification_id"  # noqa: S608 - ids
    return list(map(_parsed, copied(connection, query))) if ids else []


def head(connection: Connection[Any]) -> int:
    """The last position; 0 for an empty ledger."""
    row = connection.execute("SELECT coalesce(max(notification_id), 0) FROM ledger.events").fetchone()
    assert row is not None
    return int(row[0])


def recorded_at(connection: Connection[Any], position: int) -> datetime | None:
    """When the event at a position was recorded."""
    query = "SELECT recorded_at FROM ledger.events WHERE notification_id = %s"
    row = connection.execute(query, [position]).fetchone()
    return row[0].astimezone(UTC) if row else None


def position_at(connection: Connection[Any], instant: datetime) -> int:
    """The last position recorded at or before an instant, 0 before the first: instants rise with positions."""
    low, high = 0, head(connection) + 1
    while high - low > 1:
        middle = (low + high) // 2
        at = recorded_at(connection, middle)
        low, high = (middle, high) if at is not None and at <= instant else (low, middle)
    return low


def instant_of(sent: bytes) -> datetime:
    """The instant of `recorded_at`."""
    return EPOCH + timedelta(microseconds=microseconds_of(sent))


def microseconds_of(sent: bytes) -> int:
    """How many since EPOCH."""
    found: int = _MICROSECONDS.unpack(sent)[0]
    return found


def _rows(connection: Connection[Any], after: int, until: int) -> Iterator[RawEvent]:
    stretch = f"notification_id > {after:d} AND notification_id <= {until:d}"
    query = f"SELECT {_COLUMNS} FROM ledger.events WHERE {stretch} ORDER BY notification_id"  # noqa: S608 - numbers
    return map(_parsed, copied(connection, query))


def _parsed(row: bytes) -> RawEvent:
    try:
        count, _, position, _, stream, _, version, _, at, _, correlation, length = _FIXED.unpack_from(row)
        if count != 10:
            raise NotAsExpected(f"a row of {count} columns")
        end = _FIXED.size + length  # one field after the other: a loop takes twice as long
        topic = row[_FIXED.size : end].decode()
        begin = end + 4
        end = begin + _LENGTH(row, end)[0]
        payload = row[begin:end]
        begin = end + 4
        end = begin + _LENGTH(row, end)[0]
        leaf = row[begin:end]
        begin = end + 4
        end = begin + _LENGTH(row, end)[0]
        salt = row[begin:end]
        actor = row[end + 4 : end + 4 + _LENGTH(row, end)[0]].decode()
    except (ValueError, struct.error) as error:
        raise NotAsExpected(f"the ledger's rows cannot be read: {error}") from error
    return RawEvent(position, stream, version, at, topic, payload, leaf, salt, actor, correlation)


def _parsed_folded(row: bytes) -> Entry:
    try:
        count, _, position, _, stream, _, version, _, at, length = _FIXED_FOLDED.unpack_from(row)
        if count != 6:
            raise NotAsExpected(f"a row of {count} columns")
        end = _FIXED_FOLDED.size + length
        topic = row[_FIXED_FOLDED.size : end].decode()
        payload = row[end + 4 : end + 4 + _LENGTH(row, end)[0]]
    except (ValueError, struct.error) as error:
        raise NotAsExpected(f"the ledger's rows cannot be read: {error}") from error
    return Entry(position, stream, version, at, topic, payload)
