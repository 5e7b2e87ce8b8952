"""What the report on pushes without a fresh approval rests on, in SQL."""

import msgspec

from projections.push_records.view import PushRecord
from projections.reading.apart import apart
from projections.reading.postgres import Reader
from projections.reading.scoped import window
from projections.scope import Scope
from projections.unapproved_pushes.report import report
from projections.unapproved_pushes.view import UnapprovedPushes

# Pushes of zero levels in the window, and all of the same connectors that had levels.
PUSHES = """
WITH found AS (SELECT e.* FROM read.push_records e{where} AND e.levels = 0)
SELECT f.id, f.doc FROM found f
UNION ALL
SELECT e.id, e.doc FROM (SELECT DISTINCT connector_id FROM found) f
JOIN read.push_records e ON e.connector_id = f.connector_id AND e.levels > 0
"""

# How many pushes of the window were started.
STARTED = "SELECT count(*) FROM read.push_records e{where} AND e.started_position <= %b::bigint"


class PostgresUnapprovedReports:
    """projections.unapproved_pushes.view.UnapprovedReports."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._decode = msgspec.json.Decoder(PushRecord).decode

    async def report(self, scope: Scope) -> UnapprovedPushes:
        where = window(scope, "e.created_position", "e.requested_at")
        rows = await self._reader.rows(PUSHES.format(where=where), where.parameters)
        ((ran,),) = await self._reader.rows(STARTED.format(where=where), [*where.parameters, scope.position])
        return await apart(lambda: report({key: self._decode(doc) for key, doc in rows}, scope, ran=ran))
