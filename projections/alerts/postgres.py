"""The alerts' questions in SQL."""

from collections.abc import Sequence
from uuid import UUID

from domain.alert import Alert, AlertKind
from projections.alerts.view import AlertFilter, AlertRow
from projections.columns import Type
from projections.reading.entities import Entities
from projections.reading.postgres import Reader
from projections.reading.queries import NEWEST_FIRST, Where, many
from projections.rows import Page

# Open alerts of a cause. (The index is on the cause's digest.)
OPEN = """
SELECT a.id FROM read.alerts a
WHERE md5(a.cause) = md5(%b::text) AND a.cause = %b::text AND a.open ORDER BY a.ordinal
"""

# How many alerts a cause has had.
LATEST = """
SELECT coalesce(max(a.ordinal), 0) FROM read.alerts a WHERE md5(a.cause) = md5(%b::text) AND a.cause = %b::text
"""


# Which of many causes have had an alert.
KNOWN = """
SELECT DISTINCT a.cause FROM unnest(%b::text[]) wanted(cause)
JOIN read.alerts a ON md5(a.cause) = md5(wanted.cause) AND a.cause = wanted.cause
"""

# Open alerts of a kind.
OPEN_OF_KIND = """
SELECT a.id FROM read.alerts a
WHERE a.open AND a.kind = %b::text AND (%b::uuid IS NULL OR a.subject_id = %b::uuid) ORDER BY a.created_position
"""


class PostgresAlerts:
    """projections.alerts.view.Alerts."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._rows = Entities(reader, "alerts", Alert)

    async def get(self, alert_id: UUID) -> AlertRow | None:
        return await self._rows.get(alert_id)

    async def list(
        self, narrow: AlertFilter = AlertFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[AlertRow]:
        where = Where().among("e.kind", Type.TEXT, narrow.kind).among("e.cause", Type.TEXT, narrow.cause)
        where.among("e.subject_id", Type.UUID, narrow.subject_id)
        where.flag("e.open", narrow.open).flag("e.acknowledged", narrow.acknowledged)
        return await self._rows.page(where, NEWEST_FIRST, limit, cursor)

    async def open_of_cause(self, cause: str) -> Sequence[UUID]:
        return [alert_id for (alert_id,) in await self._reader.rows(OPEN, [cause, cause])]

    async def known_causes(self, causes: Sequence[str]) -> set[str]:
        return {cause for (cause,) in await self._reader.rows(KNOWN, [many(Type.TEXT, causes)])} if causes else set()

    async def open_of_kind(self, kind: AlertKind, subject_id: UUID | None = None) -> Sequence[UUID]:
        rows = await self._reader.rows(OPEN_OF_KIND, [kind.value, subject_id, subject_id])
        return [alert_id for (alert_id,) in rows]

    async def latest_ordinal(self, cause: str) -> int:
        rows = await self._reader.rows(LATEST, [cause, cause])
        found: int = rows[0][0]
        return found
