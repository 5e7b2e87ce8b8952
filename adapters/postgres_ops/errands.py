"""Errands in PostgreSQL: discoveries and connection tests that wait for their bridge."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from adapters.postgres_ops.database import OpsDatabase
from application.ports import Errand

_COLUMNS = "id, kind, target_system_id, bridge_id, deadline_at, subject_id, content"
_ADD = f"INSERT INTO ops.errands ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING"  # noqa: S608 - constants
_OPEN = f"SELECT {_COLUMNS} FROM ops.errands WHERE done_at IS NULL"  # noqa: S608 - constants
_WAITING = f"{_OPEN} AND bridge_id = %s ORDER BY number LIMIT %s"
_WAITING_OF = f"{_OPEN} AND target_system_id = %s AND kind = %s ORDER BY number"
_LET_GO = """
EXISTS (SELECT FROM ops.assignments a WHERE a.assignment_id = ops.errands.id AND (
    a.granted_at < %(taken_before)s OR NOT EXISTS (
        SELECT FROM ops.target_leases l
        WHERE l.assignment_id = a.assignment_id AND l.expires_at > clock_timestamp())))
"""
_LATE = f"deadline_at <= %(now)s AND (bridge_id <> ALL (%(here)s) OR {_LET_GO})"
_OVERDUE = f"{_OPEN} AND {_LATE} ORDER BY deadline_at LIMIT %(limit)s"
_FIND = f"SELECT {_COLUMNS} FROM ops.errands WHERE id = %s"  # noqa: S608 - constants
_DONE = "UPDATE ops.errands SET done_at = clock_timestamp() WHERE id = %s AND done_at IS NULL"
_ANSWER = """
UPDATE ops.errands SET done_at = clock_timestamp(), answer = %s WHERE id = %s AND done_at IS NULL RETURNING id
"""
_ANSWERED = "SELECT answer FROM ops.errands WHERE id = %s AND answer IS NOT NULL"


class PostgresErrands:
    """application.ports.Errands."""

    def __init__(self, database: OpsDatabase) -> None:
        self._database = database

    async def add(self, errand: Errand) -> None:
        """See Errands.add."""
        await self._database.rows(_ADD, errand)

    async def waiting(self, bridge_id: UUID, limit: int) -> list[Errand]:
        """See Errands.waiting."""
        return [Errand(*row) for row in await self._database.rows(_WAITING, (bridge_id, limit))]

    async def waiting_of(self, target_system_id: UUID, kind: str) -> list[Errand]:
        """See Errands.waiting_of."""
        return [Errand(*row) for row in await self._database.rows(_WAITING_OF, (target_system_id, kind))]

    async def find(self, errand_id: UUID) -> Errand | None:
        """See Errands.find."""
        rows = await self._database.rows(_FIND, (errand_id,))
        return Errand(*rows[0]) if rows else None

    async def overdue(
        self, now: datetime, limit: int, *, here: Sequence[UUID] = (), taken_before: datetime | None = None
    ) -> list[Errand]:
        """See Errands.overdue."""
        parameters = {"now": now, "limit": limit, "here": list(here), "taken_before": taken_before}
        return [Errand(*row) for row in await self._database.rows(_OVERDUE, parameters)]

    async def done(self, errand_id: UUID) -> None:
        """See Errands.done."""
        await self._database.rows(_DONE, (errand_id,))

    async def answer(self, errand_id: UUID, told: bytes) -> bool:
        """See Errands.answer."""
        return bool(await self._database.rows(_ANSWER, (told, errand_id)))

    async def answered(self, errand_id: UUID) -> bytes | None:
        """See Errands.answered."""
        rows = await self._database.rows(_ANSWERED, (errand_id,))
        return bytes(rows[0][0]) if rows else None
