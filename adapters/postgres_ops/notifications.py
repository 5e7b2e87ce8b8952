"""The log of notifications in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from adapters.postgres_ops.database import OpsDatabase
from application.notification_ports import Notification, NotificationError
from application.webhook_ports import DeliveryStatus

_FIELDS = Notification.__struct_fields__
_COLUMNS = ", ".join(_FIELDS)
_VALUES = ", ".join(f"%({field})s" for field in _FIELDS)
_CHANGES = ", ".join(f"{field} = EXCLUDED.{field}" for field in _FIELDS if field not in {"id", "created_at"})
_INSERT = f"INSERT INTO ops.notifications ({_COLUMNS}) VALUES ({_VALUES}) ON CONFLICT (id)"  # noqa: S608 - constants
_ADD = f"{_INSERT} DO NOTHING"
_RECORD = f"{_INSERT} DO UPDATE SET {_CHANGES}"
_SELECT = f"SELECT {_COLUMNS} FROM ops.notifications"  # noqa: S608 - constants
_GET = f"{_SELECT} WHERE id = %s"
_OF_POSITION = f"{_SELECT} WHERE position = %s ORDER BY number"
_CLAIM = """
UPDATE ops.notifications SET attempts = attempts + 1, last_attempt_at = %s, next_attempt_at = NULL, error = NULL
WHERE id = %s AND attempts = %s AND status = 'pending' RETURNING true
"""
_LIST = f"""
SELECT number, {_COLUMNS} FROM ops.notifications
WHERE channel_id = %(channel)s AND (%(any)s OR status = ANY (%(status)s)) AND number < %(before)s
ORDER BY number DESC LIMIT %(limit)s
"""  # noqa: S608 - constants
_END = 2**63 - 1


class PostgresNotifications:
    """application.notification_ports.Notifications."""

    def __init__(self, database: OpsDatabase) -> None:
        self._database = database

    async def add(self, wanted: Sequence[Notification]) -> None:
        async with self._database.connection() as connection, connection.transaction():
            for each in wanted:
                await connection.execute(_ADD.encode(), _row(each))

    async def of_position(self, position: int) -> Sequence[Notification]:
        return [_notification(row) for row in await self._database.rows(_OF_POSITION, (position,))]

    async def claim(self, notification: Notification, at: datetime) -> bool:
        return bool(await self._database.rows(_CLAIM, (at, notification.id, notification.attempts)))

    async def record(self, notification: Notification) -> None:
        await self._database.rows(_RECORD, _row(notification))

    async def get(self, notification_id: UUID) -> Notification | None:
        rows = await self._database.rows(_GET, (notification_id,))
        return _notification(rows[0]) if rows else None

    async def list(
        self, channel_id: UUID, *, status: Sequence[DeliveryStatus] = (), before: int | None = None, limit: int = 50
    ) -> Sequence[tuple[int, Notification]]:
        wanted = {
            "channel": channel_id,
            "any": not status,
            "status": [each.value for each in status],
            "before": _END if before is None else before,
            "limit": limit,
        }
        return [(number, _notification(row)) for number, *row in await self._database.rows(_LIST, wanted)]


def _row(notification: Notification) -> dict[str, Any]:
    found = msgspec.structs.asdict(notification)
    error = notification.error
    return found | {"status": notification.status.value, "error": error.value if error is not None else None}


def _notification(row: Sequence[Any]) -> Notification:
    found = dict(zip(_FIELDS, row, strict=True))
    error = found["error"]
    return Notification(
        **found
        | {"status": DeliveryStatus(found["status"]), "error": NotificationError(error) if error is not None else None}
    )
