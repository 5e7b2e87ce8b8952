"""The verification runs' questions in SQL."""

from uuid import UUID

from domain.verification import VerificationRun
from projections.columns import Type
from projections.reading.entities import Entities
from projections.reading.postgres import Reader
from projections.reading.queries import NEWEST_FIRST, Where
from projections.rows import Page
from projections.verification_runs.view import VerificationRunFilter, VerificationRunRow


class PostgresVerificationRuns:
    """projections.verification_runs.view.VerificationRuns."""

    def __init__(self, reader: Reader) -> None:
        self._rows = Entities(reader, "verification_runs", VerificationRun)

    async def get(self, run_id: UUID) -> VerificationRunRow | None:
        return await self._rows.get(run_id)

    async def list(
        self, narrow: VerificationRunFilter = VerificationRunFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[VerificationRunRow]:
        where = Where().flag("e.completed", narrow.completed).among("e.trigger", Type.TEXT, narrow.trigger)
        return await self._rows.page(where, NEWEST_FIRST, limit, cursor)

    async def latest(self) -> VerificationRunRow | None:
        return await self._rows.first(Where().flag("e.completed", wanted=True), " ORDER BY e.position DESC")
