"""What the report on separation of duties rests on, in SQL."""

from uuid import UUID

import msgspec

from projections.push_records.view import PushRecord
from projections.reading.apart import apart
from projections.reading.names import principal_names
from projections.reading.postgres import Reader
from projections.reading.scoped import window
from projections.refusals.view import Refusal
from projections.role_records.view import RoleRecord
from projections.scope import Scope
from projections.separation_of_duties.acts import People
from projections.separation_of_duties.report import report
from projections.separation_of_duties.view import Question, SeparationOfDuties

# Pushes by the time of their request.
PUSHES = "SELECT e.id, e.doc FROM read.push_records e{where} ORDER BY e.created_position"

# Refusals.
REFUSED = "SELECT e.doc FROM read.refusals e{where} ORDER BY e.position"

# Everybody's roles and tokens.
ROLES = "SELECT id, doc FROM read.role_records WHERE created_position <= %b::bigint ORDER BY created_position"


class PostgresDutiesReports:
    """projections.separation_of_duties.view.DutiesReports."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._push = msgspec.json.Decoder(PushRecord).decode
        self._refusal = msgspec.json.Decoder(Refusal).decode
        self._role = msgspec.json.Decoder(RoleRecord).decode

    async def report(self, scope: Scope, question: Question = Question()) -> SeparationOfDuties:
        where = window(scope, "e.created_position", "e.requested_at")
        pushes = await self._reader.rows(PUSHES.format(where=where), where.parameters)
        where = window(scope, "e.position", "e.at")
        refusals = await self._reader.rows(REFUSED.format(where=where), where.parameters)
        people = await self._people(scope)

        def work() -> SeparationOfDuties:
            decoded: dict[UUID, PushRecord] = {key: self._push(doc) for key, doc in pushes}
            return report(decoded, (self._refusal(doc) for (doc,) in refusals), people, scope, question)

        return await apart(work)

    async def _people(self, scope: Scope) -> People:
        rows = await self._reader.rows(ROLES, [scope.position])
        return People({str(key): self._role(doc) for key, doc in rows}, await principal_names(self._reader))
