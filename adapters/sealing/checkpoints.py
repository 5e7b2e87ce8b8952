"""Checkpoints in the database: the latest one, the next one (compare and swap), the end of sealing.

Every function takes a connection; those that write need the sealer's role.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

from adapters.sealing.tree_store import rows_of
from domain.transparency.checkpoint import Checkpoint
from domain.transparency.edge import FullTile

_COLUMNS = "number, size, root, note, sealed_at"
_BETWEEN = f"SELECT {_COLUMNS} FROM ledger.checkpoints WHERE size > %s AND size <= %s ORDER BY number"  # noqa: S608 - constants


class SealingStopped(Exception):
    """Sealing was stopped for good by a mismatch; the message is the reason."""


class Sealed(NamedTuple):
    """A checkpoint as it is stored; `number` is dense from 1, `note` the signed note without cosignatures."""

    number: int
    size: int
    root: bytes
    note: str
    sealed_at: datetime


class Key(NamedTuple):
    """A key of the log: in use from a size and an instant on, and until."""

    vkey: str
    since: datetime
    from_size: int
    until: datetime | None
    until_size: int | None


def latest(connection: Connection[Any]) -> Sealed | None:
    """The latest checkpoint."""
    query = f"SELECT {_COLUMNS} FROM ledger.checkpoints ORDER BY number DESC LIMIT 1"  # noqa: S608 - constants
    row = connection.execute(query.encode()).fetchone()
    return Sealed(*row) if row else None


def numbered(connection: Connection[Any], number: int) -> Sealed:
    """The checkpoint of a number; there must be one."""
    query = f"SELECT {_COLUMNS} FROM ledger.checkpoints WHERE number = %s"  # noqa: S608 - constants
    row = connection.execute(query.encode(), [number]).fetchone()
    assert row is not None
    return Sealed(*row)


def between(connection: Connection[Any], after: int, until: int) -> Iterator[Sealed]:
    """Checkpoints over more than `after` and at most `until` events, in their order."""
    return (Sealed(*row) for row in connection.execute(_BETWEEN.encode(), [after, until]))


def stop_reason(connection: Connection[Any]) -> str | None:
    """Why sealing is stopped."""
    row = connection.execute("SELECT ledger.sealing_stop()").fetchone()
    return row[0] if row else None


def store(
    connection: Connection[Any], expected: int, checkpoint: Checkpoint, note: str, tiles: Sequence[FullTile]
) -> int | None:
    """The number of the new checkpoint; None when somebody else has sealed since the `expected` one."""
    query = "SELECT ledger.seal(%s, %s, %s, %s, %s::smallint[], %s::bigint[], %s::bytea[], %s::bytea[])"
    parameters = (expected, checkpoint.size, checkpoint.root, note, *rows_of(tiles))
    row = connection.execute(query, parameters, binary=True).fetchone()
    assert row is not None
    number: int | None = row[0]
    return number


def stop(connection: Connection[Any], position: int | None, reason: str) -> None:
    """Nothing is sealed any more, until the owner says otherwise."""
    connection.execute("SELECT ledger.stop_sealing(%s, %s)", [position, reason])


def note_keys(connection: Connection[Any], vkeys: Iterable[str]) -> None:
    """These are the keys that sign now."""
    connection.execute("SELECT ledger.note_keys(%s)", [list(vkeys)])


def keys(connection: Connection[Any]) -> list[Key]:
    """Every key there ever was, oldest first; one that was taken into use again stands there again."""
    rows = connection.execute("SELECT vkey, used, size, at FROM ledger.log_keys ORDER BY number").fetchall()
    return keys_of(rows)


def keys_of(rows: Iterable[Sequence[Any]]) -> list[Key]:
    """Keys with their times of use, from rows of ledger.log_keys in order."""
    found: list[Key] = []
    for vkey, used, size, at in rows:
        if used:
            found.append(Key(vkey, at, size, None, None))
        else:
            place = max(n for n, key in enumerate(found) if key.vkey == vkey)
            found[place] = found[place]._replace(until=at, until_size=size)
    return found
