"""What verification runs saw, endpoint by endpoint."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from adapters.postgres_ops.database import OpsDatabase
from application.verifying import Result
from domain.connector_events import ValidationState

_KEEP = """
INSERT INTO ops.verification_results (run_id, number, doc)
SELECT %s, u.number, u.doc FROM unnest(%s::int[], %s::bytea[]) u(number, doc)
ON CONFLICT (run_id, number) DO UPDATE SET doc = EXCLUDED.doc
"""
_FORGET = "DELETE FROM ops.verification_results WHERE run_id = %s AND number > %s"
_STATE = "convert_from(doc, 'UTF8')::jsonb ->> 'state'"
_LIST = f"""
SELECT number, doc FROM ops.verification_results
WHERE run_id = %s AND number > %s AND (%s::text[] IS NULL OR {_STATE} = ANY (%s)) ORDER BY number LIMIT %s
"""  # noqa: S608 - constants
_COUNT = "SELECT run_id, count(*) FROM ops.verification_results WHERE run_id = ANY (%s) GROUP BY run_id"
_LOOKED = "SELECT connector_id, looked_at FROM ops.verification_looks WHERE connector_id = ANY (%s)"
_NOTE = """
INSERT INTO ops.verification_looks SELECT unnest(%s::uuid[]), %s
ON CONFLICT (connector_id) DO UPDATE SET looked_at = EXCLUDED.looked_at
"""
_decode = msgspec.json.Decoder(Result).decode


class PostgresRunResults:
    """application.verifying.RunResults, and the list of what was kept."""

    def __init__(self, database: OpsDatabase) -> None:
        self._database = database

    async def keep(self, run_id: UUID, results: Sequence[Result], *, after: int = 0) -> None:
        """See RunResults.keep. A run that is carried out again after a crash replaces what it had kept."""
        numbers = list(range(after + 1, after + len(results) + 1))
        docs = [msgspec.json.encode(result) for result in results]
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_KEEP, (run_id, numbers, docs))
            await connection.execute(_FORGET, (run_id, after + len(results)))

    async def looked_at(self, connector_ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """See RunResults.looked_at."""
        return dict(await self._database.rows(_LOOKED, (list(connector_ids),)))

    async def note_looks(self, connector_ids: Sequence[UUID], at: datetime) -> None:
        """See RunResults.note_looks."""
        await self._database.rows(_NOTE, (list(dict.fromkeys(connector_ids)), at))

    async def counted(self, run_ids: Sequence[UUID]) -> dict[UUID, int]:
        """See RunResults.counted."""
        return dict(await self._database.rows(_COUNT, (list(run_ids),))) if run_ids else {}

    async def list(
        self, run_id: UUID, *, after: int = 0, limit: int = 1000, states: Sequence[ValidationState] = ()
    ) -> list[tuple[int, Result]]:
        """Results of a run (in one of some states), each with its number in it (from 1), after number `after`."""
        wanted = [state.value for state in states] or None
        rows = await self._database.rows(_LIST, (run_id, after, wanted, wanted, limit))
        return [(number, _decode(doc)) for number, doc in rows]
