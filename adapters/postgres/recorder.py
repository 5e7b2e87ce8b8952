"""The event store library's recorder on the ledger: inserts go through `ledger.append`, selects stay its own.

    Ledger(env=ledger_environment(app_dsn))

The library's own tables, table lock and "database functions" (which lose events for readers) are never used.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.persistence import IntegrityError, InterfaceError, OperationalError, ProgrammingError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.utils import retry
from psycopg.conninfo import conninfo_to_dict

from adapters.postgres import batch
from adapters.postgres.batch import Answer, Outcome
from application import codec
from application.entries import Prepared, PreparedChange, encoded_entry
from application.leaf import SALT_BYTES, Description, describe
from application.ports import Appended


class LedgerRecorder(PostgresApplicationRecorder):
    """Appends as the application role. `insert_events(..., command_id=, body_sha256=, answer=)` makes it idempotent."""

    def __init__(self, datastore: PostgresDatastore, *, events_table_name: str = "events") -> None:
        if datastore.enable_db_functions:
            raise ProgrammingError("POSTGRES_ENABLE_DB_FUNCTIONS loses events for readers: remove it")
        del events_table_name  # the library derives one from the application's name; ours is fixed
        super().__init__(datastore, events_table_name="events")
        self.channel_name = "ledger"

    def create_table(self) -> None:
        raise ProgrammingError("the ledger's tables come from our migrations: set CREATE_TABLE to n")

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Append all or nothing; the positions, in the order given. Raises IntegrityError on a version conflict."""
        if not stored_events:
            return None
        command, order = self._prepare(stored_events, **kwargs)
        first = self._append(command)
        return [first + place for place in order]

    def describe(self, stored_event: StoredEvent) -> Description:
        """What the leaf tells of the event: from our own event, whose topic has to be known."""
        return describe(codec.decode(stored_event.topic, stored_event.state))

    def _prepare(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        command_id: UUID | None = None,
        body_sha256: bytes | None = None,
        answer: bytes | None = None,
        **_: Any,
    ) -> tuple[Prepared, list[int]]:
        """The command, and per event given its place in it."""
        streams = _by_stream(stored_events)
        changes = tuple(self._change(stream_id, events) for stream_id, events in streams.items())
        places = {
            key: place for place, key in enumerate(_key(event) for events in streams.values() for event in events)
        }
        body = body_sha256 or hashlib.sha256(b"".join(event.state for event in stored_events)).digest()
        command = Prepared(command_id or uuid4(), body, answer, changes, len(stored_events))
        return command, [places[_key(event)] for event in stored_events]

    def _change(self, stream_id: UUID, events: Sequence[StoredEvent]) -> PreparedChange:
        entries = tuple(
            encoded_entry(stream_id, self.describe(event), event.state, secrets.token_bytes(SALT_BYTES))
            for event in events
        )
        return PreparedChange(stream_id, events[0].originator_version - 1, entries)

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
    def _append(self, command: Prepared) -> int:
        """The first position. Sent again after a lost connection: the command id makes that safe."""
        with self.datastore.get_connection() as connection:
            cursor = connection.cursor(binary=True)
            cursor.execute(batch.STATEMENT.encode(), batch.arguments([command]), prepare=True)
            row = cursor.fetchone()
            assert row is not None
            [outcome] = batch.outcomes([command], Answer(**row))
            if outcome is Outcome.REPEATED:
                query = "SELECT first_position FROM ledger.commands WHERE command_id = %s"
                found = connection.execute(query, [command.command_id]).fetchone()
                assert found is not None
                return int(found["first_position"])
        if isinstance(outcome, Appended):
            return outcome.first_position
        raise IntegrityError("version conflict" if outcome is Outcome.CONFLICT else "command id used with another body")


def ledger_environment(dsn: str) -> Mapping[str, str]:
    """The library's settings for an application on the ledger, from the application role's DSN."""
    parts = conninfo_to_dict(dsn)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "APPLICATION_RECORDER_TOPIC": "adapters.postgres.recorder:LedgerRecorder",
        "CREATE_TABLE": "n",
        "POSTGRES_SCHEMA": "ledger",
        "POSTGRES_PRE_PING": "y",
        "POSTGRES_DBNAME": str(parts.get("dbname", "")),
        "POSTGRES_HOST": str(parts.get("host", "")),
        "POSTGRES_PORT": str(parts.get("port", "5432")),
        "POSTGRES_USER": str(parts.get("user", "")),
        "POSTGRES_PASSWORD": str(parts.get("password", "")),
    }


def _by_stream(stored_events: Sequence[StoredEvent]) -> dict[UUID, list[StoredEvent]]:
    streams: dict[UUID, list[StoredEvent]] = {}
    for event in stored_events:
        if not isinstance(event.originator_id, UUID):
            raise ProgrammingError("streams of the ledger have UUIDs")
        stream = streams.setdefault(event.originator_id, [])
        if stream and event.originator_version != stream[-1].originator_version + 1:
            raise IntegrityError("the versions of a stream follow one another without a gap")
        stream.append(event)
    return streams


def _key(event: StoredEvent) -> tuple[Any, int]:
    return event.originator_id, event.originator_version
