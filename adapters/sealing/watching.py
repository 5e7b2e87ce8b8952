"""How sealing stands, asked by the service's own role: for readiness, figures, alerts and `certferry doctor`."""

from collections.abc import Sequence
from typing import Any

from application.sealing_watch import SealingState
from projections.reading.postgres import Reader

QUERY = """
SELECT h.position, coalesce(c.size, 0), ledger.sealing_stop(), s.trouble,
    (SELECT extract(epoch FROM clock_timestamp() - e.recorded_at)::float8 FROM ledger.events e
     WHERE e.notification_id = coalesce(c.size, 0) + 1),
    extract(epoch FROM clock_timestamp() - coalesce(
        s.passed_at, (SELECT f.sealed_at FROM ledger.checkpoints f WHERE f.number = 1)))::float8
FROM ledger.head h
    LEFT JOIN LATERAL (SELECT size FROM ledger.checkpoints ORDER BY number DESC LIMIT 1) c ON true
    LEFT JOIN ops.sealing s ON true
"""


def state_of(row: Sequence[Any]) -> SealingState:
    """From a row of QUERY."""
    head, sealed, stopped, trouble, waiting, checked = row
    return SealingState(head=head, sealed=sealed, stopped=stopped, trouble=trouble, waiting=waiting, checked=checked)


class PostgresSealingWatch:
    """application.sealing_watch.SealingWatch."""

    def __init__(self, rows: Reader) -> None:
        self._rows = rows

    async def state(self) -> SealingState:
        """How it stands now."""
        [row] = await self._rows.rows(QUERY, [])
        return state_of(row)

    async def state_or_none(self) -> SealingState | None:
        """The same; None where the database does not answer."""
        rows = await self._rows.rows_or_none(QUERY)
        return state_of(rows[0]) if rows else None
