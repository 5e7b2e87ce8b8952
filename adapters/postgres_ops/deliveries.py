"""Deliveries of webhooks in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from adapters.postgres_ops.database import OpsDatabase
from application.webhook_ports import Delivery, DeliveryError, DeliveryStatus, Listed, Standing

WANTED = "webhooks"
"""The channel on which the deliverer is woken."""

_FIELDS = Delivery.__struct_fields__
_COLUMNS = ", ".join(_FIELDS)
_VALUES = ", ".join(f"%({field})s" for field in _FIELDS)
_CHANGES = ", ".join(f"{field} = EXCLUDED.{field}" for field in _FIELDS if field not in {"id", "created_at"})
_INSERT = f"INSERT INTO ops.webhook_deliveries ({_COLUMNS}) VALUES ({_VALUES}) ON CONFLICT (id)"  # noqa: S608 - constants
_ADD = f"{_INSERT} DO NOTHING"
_RECORD = f"{_INSERT} DO UPDATE SET {_CHANGES}"
_SELECT = f"SELECT {_COLUMNS} FROM ops.webhook_deliveries"  # noqa: S608 - constants
_GET = f"{_SELECT} WHERE id = %s"
_WAITING = f"""{_SELECT} WHERE webhook_id = %s AND status = 'pending' AND (position IS NULL OR position <= %s)
ORDER BY next_attempt_at, number LIMIT 100"""
_LIST = f"""
SELECT s.position, d.* FROM (SELECT) one
LEFT JOIN ops.webhook_standings s ON s.webhook_id = %(webhook)s
LEFT JOIN LATERAL (
    SELECT number, {_COLUMNS} FROM ops.webhook_deliveries
    WHERE webhook_id = %(webhook)s AND (%(any)s OR status = ANY (%(status)s)) AND number < %(before)s
    ORDER BY number DESC LIMIT %(limit)s) d ON true
ORDER BY d.number DESC
"""  # noqa: S608 - constants
_AGAIN = f"""UPDATE ops.webhook_deliveries
SET status = 'pending', failures = 0, failing_since = NULL, next_attempt_at = %s WHERE id = %s RETURNING {_COLUMNS}"""  # noqa: S608 - constants

_BEGIN = "INSERT INTO ops.webhook_standings (webhook_id, position) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_STANDING = "SELECT position, turn FROM ops.webhook_standings WHERE webhook_id = %s"
# What is passed over was wanted once, and is not any more: the webhook was changed meanwhile.
_ADVANCE = """
WITH advanced AS (
    UPDATE ops.webhook_standings SET position = %(position)s
    WHERE webhook_id = %(webhook)s AND turn = %(turn)s AND position < %(position)s RETURNING webhook_id)
UPDATE ops.webhook_deliveries d SET status = 'failed', next_attempt_at = NULL
FROM advanced a JOIN ops.webhook_standings before USING (webhook_id)
WHERE d.webhook_id = a.webhook_id AND d.status = 'pending'
    AND d.position > before.position AND d.position <= %(position)s
"""
_RESTART = """
INSERT INTO ops.webhook_standings AS s (webhook_id, position) VALUES (%s, %s)
ON CONFLICT (webhook_id) DO UPDATE SET position = EXCLUDED.position, turn = s.turn + 1
"""
# What comes in turn again starts anew; what was skipped is not wanted any more.
_RESTARTED = """
UPDATE ops.webhook_deliveries
SET status = CASE WHEN position < %(position)s THEN 'failed' ELSE status END, failures = 0, failing_since = NULL,
    next_attempt_at = NULL
WHERE webhook_id = %(webhook)s AND status = 'pending' AND position IS NOT NULL
"""
_WAKE = f"NOTIFY {WANTED}"
_LAST = 2**62


class PostgresDeliveries:
    """application.webhook_ports.Deliveries."""

    def __init__(self, database: OpsDatabase) -> None:
        self._database = database

    async def standing(self, webhook_id: UUID, first_position: int) -> Standing:
        """See Deliveries.standing."""
        rows = await self._database.rows(_STANDING, (webhook_id,))
        if not rows:
            await self._database.rows(_BEGIN, (webhook_id, first_position - 1))
            rows = await self._database.rows(_STANDING, (webhook_id,))
        return Standing(*rows[0])

    async def advance(self, webhook_id: UUID, standing: Standing) -> None:
        """See Deliveries.advance."""
        async with self._database.connection() as connection:
            await connection.execute(_ADVANCE, _advanced(webhook_id, standing))

    async def record(self, delivery: Delivery, standing: Standing | None = None) -> None:
        """See Deliveries.record."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_RECORD.encode(), _parameters(delivery))
            if standing is not None:
                await connection.execute(_ADVANCE, _advanced(delivery.webhook_id, standing))

    async def add(self, delivery: Delivery) -> None:
        """See Deliveries.add."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_ADD.encode(), _parameters(delivery))
            await connection.execute(_WAKE)

    async def again(self, delivery: Delivery, at: datetime) -> Delivery:
        """See Deliveries.again."""
        async with self._database.connection() as connection, connection.transaction():
            cursor = await connection.execute(_AGAIN.encode(), (at, delivery.id))
            rows = await cursor.fetchall()
            await connection.execute(_WAKE)
        return _delivery(rows[0]) if rows else delivery

    async def restart(self, webhook_id: UUID, from_position: int) -> None:
        """See Deliveries.restart."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_RESTART, (webhook_id, from_position - 1))
            await connection.execute(_RESTARTED, {"webhook": webhook_id, "position": from_position})
            await connection.execute(_WAKE)

    async def wake(self) -> None:
        """See Deliveries.wake."""
        await self._database.rows(_WAKE)

    async def waiting(self, webhook_id: UUID, position: int) -> list[Delivery]:
        """See Deliveries.waiting."""
        return [_delivery(row) for row in await self._database.rows(_WAITING, (webhook_id, position))]

    async def get(self, delivery_id: UUID) -> Delivery | None:
        """See Deliveries.get."""
        rows = await self._database.rows(_GET, (delivery_id,))
        return _delivery(rows[0]) if rows else None

    async def list(
        self, webhook_id: UUID, *, status: Sequence[DeliveryStatus] = (), before: int | None = None, limit: int = 50
    ) -> Listed:
        """See Deliveries.list."""
        wanted = [each.value for each in status]
        parameters = {
            "webhook": webhook_id,
            "any": not wanted,
            "status": wanted,
            "before": _LAST if before is None else before,
            "limit": limit,
        }
        rows = await self._database.rows(_LIST, parameters)
        return Listed(rows[0][0], [(row[1], _delivery(row[2:])) for row in rows if row[1] is not None])


def _parameters(delivery: Delivery) -> dict[str, Any]:
    return msgspec.structs.asdict(delivery)


def _advanced(webhook_id: UUID, standing: Standing) -> dict[str, Any]:
    return {"webhook": webhook_id, "position": standing.position, "turn": standing.turn}


def _delivery(row: Sequence[Any]) -> Delivery:
    values = dict(zip(_FIELDS, row, strict=True))
    error = values["error"]
    return Delivery(
        **values
        | {"status": DeliveryStatus(values["status"]), "error": DeliveryError(error) if error is not None else None}
    )
