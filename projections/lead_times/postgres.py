"""What the report on lead times rests on, in SQL."""

from uuid import UUID

import msgspec

from projections.lead_times.report import report
from projections.lead_times.view import Delivery, LeadTimes
from projections.push_records.view import PushRecord
from projections.reading.apart import apart
from projections.reading.postgres import Reader
from projections.reading.scoped import window
from projections.scope import Scope
from projections.target_records.postgres import target_names

# Pushes by the time of their request.
PUSHES = "SELECT e.id, e.doc FROM read.push_records e{where} ORDER BY e.created_position"

# The steps of their deployments and verifications.
DELIVERIES = """
SELECT d.work_order_id, d.position, d.at, d.step, d.endpoints, d.state
FROM read.push_records e JOIN read.delivery_steps d ON d.work_order_id = e.id{where} AND d.position <= %b::bigint
ORDER BY d.work_order_id, d.position
"""


class PostgresLeadTimeReports:
    """projections.lead_times.view.LeadTimeReports."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._decode = msgspec.json.Decoder(PushRecord).decode

    async def report(self, scope: Scope, *, persons: bool = False) -> LeadTimes:
        where = window(scope, "e.created_position", "e.requested_at")
        pushes = await self._reader.rows(PUSHES.format(where=where), where.parameters)
        rows = await self._reader.rows(DELIVERIES.format(where=where), [*where.parameters, scope.position])
        names = await target_names(self._reader, scope.position)

        def work() -> LeadTimes:
            deliveries: dict[UUID, list[Delivery]] = {}
            for key, position, at, step, endpoints, state in rows:
                deliveries.setdefault(key, []).append(Delivery(position, at, step, tuple(endpoints), state))
            decoded: dict[UUID, PushRecord] = {key: self._decode(doc) for key, doc in pushes}
            return report(decoded, deliveries, names, scope, persons=persons)

        return await apart(work)
