"""How the service stands: what `/readyz` says and `/metrics` shows."""

import asyncio
from typing import ClassVar, Self

from adapters.postgres_ops.syslog_export import PostgresSyslogWatch
from adapters.sealing.watching import PostgresSealingWatch
from application.sealing_watch import SealingState
from application.syslog_watch import SyslogState
from projections.catalogue import ALL_PROJECTIONS
from projections.position import Lag, lag
from projections.reading.postgres import Reader
from projections.stopping import asked_to_stop

EVERY_SECONDS = 2.0
LATE_SECONDS = 60.0
"""Read models that lag more than this are not ready: their answers would mislead."""


class Health:
    """Looks every two seconds; use with `async with`. `figures` are as last seen."""

    NAMES: ClassVar[tuple[str, ...]] = (
        "ledger_position",
        "read_position",
        "history_position",
        "read_lag_events",
        "read_lag_seconds",
        "quarantined_streams",
    )
    SEALING: ClassVar[tuple[str, ...]] = (
        "sealed_position",
        "unsealed_seconds",
        "self_check_age_seconds",
        "sealing_stopped",
    )

    SYSLOG: ClassVar[tuple[str, ...]] = ("syslog_position", "syslog_lag_seconds", "syslog_failures")

    def __init__(self, rows: Reader, syslog: PostgresSyslogWatch | None = None) -> None:
        """`syslog`: where there is an export to look at."""
        self._rows = rows
        self._sealing = PostgresSealingWatch(rows)
        self._syslog = syslog
        self._task: asyncio.Task[None] | None = None
        self.figures: dict[str, float] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of all figures."""
        return (*self.NAMES, *self.SEALING, *(self.SYSLOG if self._syslog else ()))

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch(), name="health")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def database(self) -> str | None:
        """None when the database answers, else what is wrong."""
        found = await self._rows.rows_or_none("SELECT true FROM ledger.head")
        return None if found else "The database does not answer, or was never migrated (certferry migrate)."

    async def read_models(self) -> str | None:
        """None when the read models can be asked and are up to date."""
        found = await lag(self._rows, ALL_PROJECTIONS)
        if found is None:
            return "The read models do not answer; is a worker running (certferry work)?"
        self._note(found)
        if found.outdated:
            return f"Being built: {', '.join(found.outdated)}."
        if found.seconds > LATE_SECONDS:
            return f"The read models are {found.events} events and {found.seconds:.0f} seconds behind the ledger."
        return None

    async def sealing(self) -> str | None:
        """None unless a mismatch has stopped sealing: then nothing that this service shows can be relied on."""
        found = await self._sealing.state_or_none()
        if found is not None:
            self._note_sealing(found)
        return f"The ledger does not hold: {found.stopped}." if found and found.stopped else None

    async def _watch(self) -> None:
        while not asked_to_stop():
            if (found := await lag(self._rows, ALL_PROJECTIONS)) is not None:
                self._note(found)
            if (sealing := await self._sealing.state_or_none()) is not None:
                self._note_sealing(sealing)
            if self._syslog and (syslog := await self._syslog.state_or_none()) is not None:
                self._note_syslog(syslog)
            await asyncio.sleep(EVERY_SECONDS)

    def _note(self, found: Lag) -> None:
        values = (found.head, found.position, found.history, found.events, found.seconds, found.quarantined)
        self.figures |= dict(zip(self.NAMES, map(float, values), strict=True))

    def _note_sealing(self, found: SealingState) -> None:
        values = (found.sealed, found.waiting or 0, found.checked or 0, found.stopped is not None)
        self.figures |= dict(zip(self.SEALING, map(float, values), strict=True))

    def _note_syslog(self, found: SyslogState) -> None:
        values = (found.position, found.waiting or 0, found.failures)
        self.figures |= dict(zip(self.SYSLOG, map(float, values), strict=True))
