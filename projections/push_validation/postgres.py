"""The push operations' questions in SQL."""

from collections.abc import AsyncIterator, Sequence

from projections.columns import Type
from projections.push_validation.view import PushFilter, PushOperation
from projections.reading.apart import apart
from projections.reading.postgres import Reader
from projections.reading.queries import Where, document_decoder
from projections.schema import POSITION

# Push operations in the order of their requests.
OPERATIONS = "SELECT e.doc FROM read.push_operations e{where} ORDER BY e.requested_position"

# The same with the read position that they stand at, which is answered even where there are none.
OPERATIONS_AT = """
SELECT p.position, o.doc FROM ({position}) p
LEFT JOIN (SELECT * FROM read.push_operations e{where}) o ON true ORDER BY o.requested_position
"""


class PostgresPushValidation:
    """projections.push_validation.view.PushValidation."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._decode = document_decoder(PushOperation)

    async def operations(self, narrow: PushFilter = PushFilter()) -> Sequence[PushOperation]:
        where = _where(narrow)
        rows = await self._reader.rows(OPERATIONS.format(where=where), where.parameters)
        return await apart(lambda: [self._decode(doc) for (doc,) in rows])

    async def operations_at(self, narrow: PushFilter = PushFilter()) -> tuple[int, Sequence[PushOperation]]:
        where = _where(narrow)
        rows = await self._reader.rows(OPERATIONS_AT.format(where=where, position=POSITION), where.parameters)
        return rows[0][0], await apart(lambda: [self._decode(doc) for _, doc in rows if doc is not None])

    async def stream(self, narrow: PushFilter = PushFilter()) -> AsyncIterator[Sequence[PushOperation]]:
        where = _where(narrow)
        async for rows in self._reader.batches(OPERATIONS.format(where=where), where.parameters):
            yield [self._decode(doc) for (doc,) in rows]


def _where(narrow: PushFilter) -> Where:
    where = Where()
    if narrow.since is not None:
        where.add("e.requested_at >= %b::timestamptz", narrow.since)
    if narrow.until is not None:
        where.add("e.requested_at < %b::timestamptz", narrow.until)
    for column in ("connector_id", "certificate_id", "target_system_id", "bridge_id", "work_order_id"):
        where.among(f"e.{column}", Type.UUID, getattr(narrow, column))
    return where.among("e.outcome", Type.TEXT, narrow.outcome)
