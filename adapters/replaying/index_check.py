"""The index of the audit trail against the ledger: which positions name which subjects, compared in the ledger's order.

It has several rows for every event, so nothing of it is kept: both sides go by together.
"""

from struct import Struct
from typing import Any

import msgspec
from psycopg import Connection

from adapters.postgres.copying import copied
from adapters.replaying.comparing import Difference, Kind
from adapters.replaying.replay import Page
from projections.audit_trail.projection import AUDIT_SUBJECTS

_ROW = Struct(">hiqi")
_MOST = 100

# The subjects of each position, sorted, one behind the other; ids as text sort as ids do.
_STORED = """
SELECT position, string_agg(subject::text, '' ORDER BY subject) FROM read.{table}
WHERE position > {after} AND position <= {until} GROUP BY position ORDER BY position
"""


class _Leaf(msgspec.Struct, frozen=True):
    subjects: tuple[str, ...]


_decode = msgspec.json.Decoder(_Leaf).decode


class IndexCheck:
    """Compares after a position up to another. Pages come in the order of the ledger; `finish` after the last."""

    def __init__(self, connection: Connection[Any], after: int, until: int) -> None:
        self.found: list[Difference] = []
        self.count = 0
        self._until = until
        query = _STORED.format(table=AUDIT_SUBJECTS.table.name, after=int(after), until=int(until))
        self._rows = copied(connection, query)
        self._next = self._following()

    def close(self) -> None:
        """However far it has come: the connection can do something else."""
        self._rows.close()

    def take(self, page: Page) -> None:
        """Events whose leaves name subjects. A leaf that is none names nobody."""
        for row in page:
            if row.position > self._until:
                return
            try:
                subjects = "".join(sorted({*_decode(row.leaf).subjects})).encode()
            except msgspec.MsgspecError:
                subjects = b""
            self._expect(row.position, subjects)

    def finish(self) -> None:
        """Nothing more must be there."""
        while self._next:
            self._differ(Kind.UNEXPECTED, self._next[0])

    def _expect(self, position: int, subjects: bytes) -> None:
        while self._next and self._next[0] < position:
            self._differ(Kind.UNEXPECTED, self._next[0])
        if self._next and self._next[0] == position:
            if self._next[1] != subjects:
                self._note(Kind.DIFFERENT, position)
            self._next = self._following()
        elif subjects:
            self._note(Kind.MISSING, position)

    def _differ(self, kind: Kind, position: int) -> None:
        self._note(kind, position)
        self._next = self._following()

    def _following(self) -> tuple[int, bytes] | None:
        row = next(self._rows, None)
        return (_ROW.unpack_from(row)[2], row[_ROW.size :]) if row is not None else None

    def _note(self, kind: Kind, position: int) -> None:
        self.count += 1
        if len(self.found) < _MOST:
            self.found.append(Difference(AUDIT_SUBJECTS.table.name, kind, {"position": position}, b""))
