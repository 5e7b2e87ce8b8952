"""The same read model on the event store library's ProjectionRunner: the peer of benchmarks.projections.

Made to be fast: states are kept in memory, so that each event costs one upsert and one tracking statement, prepared, in
one transaction, as the library's documentation shows; documents and columns are ours.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection

from application.log import StreamEvent
from projections import schema
from projections.columns import Type, instant
from projections.entity import Stored
from projections.fold import Fold, Write
from projections.work_orders.projection import WORK_ORDERS

_TABLE = WORK_ORDERS.tables[0]
_NOW = datetime(2026, 3, 14, tzinfo=UTC)
_NOW_BYTES = instant(_NOW)


class LibraryView(PostgresTrackingRecorder):
    """Work orders, one upsert per event, with the position in the same transaction."""

    def __init__(self, datastore: PostgresDatastore, **options: Any) -> None:
        super().__init__(datastore, **options)
        self.events = 0
        columns = ", ".join(column.name for column in _TABLE.columns)
        values = ", ".join(["%s"] * len(_TABLE.columns))
        changes = ", ".join(f"{column.name} = excluded.{column.name}" for column in _TABLE.columns[1:])
        self._upsert = (
            f"INSERT INTO {datastore.schema}.work_orders ({columns}) VALUES ({values}) "
            f"ON CONFLICT (id) DO UPDATE SET {changes}"
        ).encode()

    def create_table(self) -> None:
        """The table as ours is, and the library's own tracking table."""
        super().create_table()
        name = _TABLE.name
        made = schema.create_table(_TABLE, name), schema.create_key(_TABLE, name), *schema.create_indexes(_TABLE, name)
        with self.datastore.transaction(commit=True) as cursor:
            for statement in made:
                cursor.execute(statement.replace("read.", f"{self.datastore.schema}.").encode())

    def store(self, row: tuple[Any, ...], tracking: Tracking) -> None:
        """One row and the position."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(self._upsert, row, prepare=True)
            self._insert_tracking(cursor, tracking)
        self.events += 1


class WorkOrders(Projection[LibraryView]):
    """The projection as the library wants it."""

    name = "workorders"

    def __init__(self, view: LibraryView) -> None:
        super().__init__(view)
        self._fold = Fold(WORK_ORDERS)

    def process_event(  # pyright: ignore[reportIncompatibleVariableOverride] # the library dispatches, we have one case
        self, domain_event: StreamEvent, tracking: Tracking
    ) -> None:
        """Fold one event, write one row."""
        stream, version = domain_event.originator_id, domain_event.originator_version
        self._fold.digest([Stored(tracking.notification_id, stream.bytes, version, _NOW_BYTES, domain_event.event)])
        self._fold.fold()
        [write] = self._fold.writes()
        self._fold.settle(keep=100_000)
        self.view.store(_plain(write), tracking)


def _plain(write: Write) -> tuple[Any, ...]:
    """The driver takes values where we write bytes by hand."""
    [row] = write.rows
    kinds = [column.type for column in write.table.columns]
    return tuple(_VALUE.get(kind, _same)(value) for value, kind in zip(row, kinds, strict=True))


def _same(value: Any) -> Any:
    return value


def _instant(value: Any) -> Any:
    return _NOW if value == _NOW_BYTES else value


def _uuid(value: Any) -> Any:
    return UUID(bytes=value) if isinstance(value, bytes) else value


_VALUE: dict[Type, Callable[[Any], Any]] = {Type.TEXTS: list, Type.INSTANT: _instant, Type.UUID: _uuid}
