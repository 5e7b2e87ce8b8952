"""Errands in PostgreSQL: discoveries and connection tests that wait for their bridge."""

from datetime import datetime
from uuid import UUID

from adapters.postgres_ops.database import OpsDatabase
from application.ports import Errand

_COLUMNS = "id, kind, target_system_id, bridge_id, deadline_at"
_ADD = f"INSERT INTO ops.errands ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING"  # noqa: S608 - constants
_OPEN = f"SELECT {_COLUMNS} FROM ops.errands WHERE done_at IS NULL"  # noqa: S608 - constants
_WAITING = f"{_OPEN} AND bridge_id = %s ORDER BY number LIMIT %s"
_OVERDUE = f"{_OPEN} AND deadline_at <= %s ORDER BY deadline_at LIMIT %s"
_FIND = f"SELECT {_COLUMNS} FROM ops.errands WHERE id = %s"  # noqa: S608 - constants
_DONE = "UPDATE ops.errands SET done_at = clock_timestamp() WHERE id = %s AND done_at IS NULL"


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

    async def find(self, errand_id: UUID) -> Errand | None:
        """See Errands.find."""
        rows = await self._database.rows(_FIND, (errand_id,))
        return Errand(*rows[0]) if rows else None

    async def overdue(self, now: datetime, limit: int) -> list[Errand]:
        """See Errands.overdue."""
        return [Errand(*row) for row in await self._database.rows(_OVERDUE, (now, limit))]

    async def done(self, errand_id: UUID) -> None:
        """See Errands.done."""
        await self._database.rows(_DONE, (errand_id,))
