"""A whole table as one number: the sum of keyed digests of its rows, in whatever order they come.

Two tables whose sums are the same hold the same rows: whoever made them could not know the key, which is drawn for each
verification. (Without a key, sums of digests can be forged: Wagner, A Generalized Birthday Problem, CRYPTO 2002.)
"""

import secrets
from collections.abc import Iterable
from hashlib import sha256
from itertools import islice
from typing import Any

from psycopg import Connection

from adapters.postgres.copying import copied
from adapters.replaying.aside import Aside
from projections.entity import OPEN, Table

_BYTES = 32
_MASK = (1 << 8 * _BYTES) - 1
_FIELDS = slice(2, None)  # behind the count of fields
_BUT_UNTIL = slice(2, -12)  # its last field, a number of 8 bytes behind its length
_CHUNK = 10_000
_SUMS = "CREATE TABLE IF NOT EXISTS sums (name TEXT PRIMARY KEY, sum BLOB NOT NULL)"
_KEEP = "INSERT INTO sums VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET sum = excluded.sum"


class Sums:
    """What has been added for each table; kept aside by `put_aside`, under the key that is kept with them."""

    def __init__(self, aside: Aside) -> None:
        aside.execute(_SUMS)
        kept = dict(aside.execute("SELECT name, sum FROM sums"))
        self._aside = aside
        self._key: bytes = kept.pop("", b"") or secrets.token_bytes(_BYTES)
        self._sums = {name: int.from_bytes(value) for name, value in kept.items()}

    def add(self, table: Table, rows: Iterable[bytes]) -> None:
        """Versions as COPY has them, without the column that says until when they held."""
        self._sums[table.name] = (self._sums.get(table.name, 0) + self._sum(row[_FIELDS] for row in rows)) & _MASK

    def hold(self, table: Table, connection: Connection[Any]) -> bool:
        """Are these the versions that a table holds, each until the next one of its key? Raises psycopg.Error."""
        return not _broken(connection, table) and self._stored(connection, table) == self._sums.get(table.name, 0)

    def put_aside(self) -> None:
        """For another run."""
        rows = [("", self._key), *((name, value.to_bytes(_BYTES)) for name, value in self._sums.items())]
        self._aside.executemany(_KEEP, rows)

    def _stored(self, connection: Connection[Any], table: Table) -> int:
        columns = ", ".join(column.name for column in table.columns)
        rows = copied(connection, f"SELECT {columns} FROM read.{table.name}")  # noqa: S608 - our own names
        total = 0
        while chunk := [row[_BUT_UNTIL] for row in islice(rows, _CHUNK)]:
            total += self._sum(chunk)
        return total & _MASK

    def _sum(self, rows: Iterable[bytes]) -> int:
        key, number = self._key, int.from_bytes
        return sum([number(sha256(key + row).digest()) for row in rows])


def _broken(connection: Connection[Any], table: Table) -> bool:
    """Is there a version that did not hold until the next one of its key, or for ever?"""
    key = ", ".join(column.name for column in table.columns[: table.key])
    chain = f"SELECT until, lead(since, 1, {OPEN}) OVER (PARTITION BY {key} ORDER BY since) AS following"
    query = f"SELECT 1 FROM ({chain} FROM read.{table.name}) WHERE until IS DISTINCT FROM following LIMIT 1"  # noqa: S608 - our own names
    return connection.execute(query.encode()).fetchone() is not None
