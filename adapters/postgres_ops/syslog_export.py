"""How far the export to the syslog receiver has come, in PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from adapters.postgres_ops.database import OpsDatabase
from application.syslog_watch import SyslogError, SyslogStanding, SyslogState
from projections.reading.postgres import Reader

QUERY = """
SELECT h.position, coalesce(s.position, %(first)s - 1), s.failures, s.error,
    (SELECT extract(epoch FROM clock_timestamp() - greatest(e.recorded_at, s.since))::float8 FROM ledger.events e
     WHERE e.notification_id = coalesce(s.position, %(first)s - 1) + 1)
FROM ledger.head h LEFT JOIN ops.syslog_export s ON true
"""
_STANDING = "SELECT position, turn FROM ops.syslog_export"
_BEGIN = "INSERT INTO ops.syslog_export (position) VALUES (%s) ON CONFLICT DO NOTHING"
_SENT = """
UPDATE ops.syslog_export
SET failures = 0, error = NULL,
    position = CASE WHEN turn = %(turn)s THEN greatest(position, %(position)s) ELSE position END
"""
_FAILED = "UPDATE ops.syslog_export SET failures = failures + 1, error = %s"
_AGAIN = """
UPDATE ops.syslog_export SET position = %(before)s, turn = turn + 1, since = clock_timestamp()
WHERE position > %(before)s
"""


class PostgresSyslogExport:
    """The one export of a service."""

    def __init__(self, database: OpsDatabase) -> None:
        self._database = database

    async def standing(self, first_position: int) -> SyslogStanding:
        """How far it has come; before the first event it stands just before `first_position`."""
        rows = await self._database.rows(_STANDING)
        if not rows:
            await self._database.rows(_BEGIN, (first_position - 1,))
            rows = await self._database.rows(_STANDING)
        return SyslogStanding(*rows[0])

    async def sent(self, standing: SyslogStanding) -> None:
        """Everything up to a position was sent. The position stays where somebody has set it since."""
        await self._database.rows(_SENT, standing._asdict())

    async def failed(self, error: SyslogError) -> None:
        """An attempt failed."""
        await self._database.rows(_FAILED, (error.value,))

    async def send_again(self, from_position: int) -> None:
        """Everything from a position on. Nothing is ever skipped: one that was not reached yet changes nothing."""
        await self._database.rows(_AGAIN, {"before": from_position - 1})


class PostgresSyslogWatch:
    """application.syslog_watch.SyslogWatch."""

    def __init__(self, rows: Reader, *, first_position: int, late_after: float) -> None:
        self._rows = rows
        self._first = first_position
        self._late_after = late_after

    async def state(self) -> SyslogState:
        """How it stands now."""
        [row] = await self._rows.rows(QUERY, {"first": self._first})
        return state_of(row, self._late_after)

    async def state_or_none(self) -> SyslogState | None:
        """The same; None where the database does not answer."""
        rows = await self._rows.rows_or_none(QUERY, {"first": self._first})
        return state_of(rows[0], self._late_after) if rows else None


def state_of(row: Sequence[Any], late_after: float) -> SyslogState:
    """From a row of QUERY."""
    head, position, failures, error, waiting = row
    return SyslogState(
        head=head,
        position=position,
        late_after=late_after,
        waiting=waiting,
        failures=failures or 0,
        error=SyslogError(error) if error else None,
    )
