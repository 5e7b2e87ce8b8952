"""The index of the audit trail against the ledger: which positions name which subjects, compared in the ledger's order.

It has several rows for every event, so nothing of it is kept: both sides go by together.
"""

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Any

from psycopg import Connection

from adapters.replaying.comparing import Difference, Kind
from projections.audit_trail.projection import AUDIT_SUBJECTS

_HEADER = 19
_ROW = Struct(">hiqi")

# The subjects of each position, sorted, one behind the other.
_STORED = """
COPY (SELECT position, string_agg(uuid_send(subject), ''::bytea ORDER BY subject)
      FROM read.{table} WHERE position <= {until} GROUP BY position ORDER BY position) TO STDOUT (FORMAT binary)
"""


class IndexCheck:
    """Compares up to a position. Rows come in the order of the ledger; `finish` after the last."""

    def __init__(self, connection: Connection[Any], until: int) -> None:
        self.found: list[Difference] = []
        self.count = 0
        self._stored = _stored(connection, until)
        self._next = next(self._stored, None)

    def feed(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows that must be there: subject and position."""
        expected: dict[int, set[bytes]] = {}
        for subject, position in rows:
            expected.setdefault(position, set()).add(subject.bytes)
        for position, subjects in expected.items():
            while self._next and self._next[0] < position:
                self._differ(Kind.UNEXPECTED, self._next[0])
            if self._next is None or self._next[0] > position:
                self._note(Kind.MISSING, position)
            else:
                if self._next[1] != b"".join(sorted(subjects)):
                    self._note(Kind.DIFFERENT, position)
                self._next = next(self._stored, None)

    def finish(self) -> None:
        """Nothing more must be there."""
        while self._next:
            self._differ(Kind.UNEXPECTED, self._next[0])

    def _differ(self, kind: Kind, position: int) -> None:
        self._note(kind, position)
        self._next = next(self._stored, None)

    def _note(self, kind: Kind, position: int) -> None:
        self.count += 1
        if len(self.found) < 100:
            self.found.append(Difference(AUDIT_SUBJECTS.table.name, kind, {"position": position}, b""))


def _stored(connection: Connection[Any], until: int) -> Iterator[tuple[int, bytes]]:
    query = _STORED.format(table=AUDIT_SUBJECTS.table.name, until=int(until))
    with connection.cursor().copy(query.encode()) as copied:
        skip = _HEADER
        for block in copied:
            row = bytes(block)[skip:]
            skip = 0
            if len(row) > 2:
                yield _ROW.unpack_from(row)[2], row[_ROW.size :]
