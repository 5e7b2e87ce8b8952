"""The event store library's own conformance cases, and its API, on the ledger."""

from collections.abc import Iterator
from typing import cast
from unittest import TestCase
from uuid import uuid4

import pytest
from eventsourcing.persistence import IntegrityError, ProgrammingError, StoredEvent
from eventsourcing.postgres import PostgresDatastore
from eventsourcing.tests.persistence import ApplicationRecorderTestCase, NonInterleavingNotificationIDsBaseCase

from adapters.postgres.recorder import LedgerRecorder, ledger_environment
from application.leaf import Description
from application.log import Ledger, StreamEvent, following, projector
from domain.access import ACCESS_LOG
from tests.contracts.log_events import meta, read_by
from tests.support.postgres import Pg

TESTER = meta("tester")


class AnyTopicRecorder(LedgerRecorder):
    """The library's cases store topics and bytes that are no events of ours, so the description comes from the test."""

    def describe(self, stored_event: StoredEvent) -> Description:
        return Description(stored_event.topic, (), TESTER)


class OnLedger(TestCase):
    """Gives the library's test cases a fresh ledger."""

    pg: Pg

    @pytest.fixture(autouse=True)
    def _fresh_ledger(self, pg: Pg) -> Iterator[None]:
        self.pg = pg
        self._datastores: list[PostgresDatastore] = []
        yield
        for datastore in self._datastores:
            datastore.close()

    def create_recorder(self) -> LedgerRecorder:
        settings = ledger_environment(self.pg.app_dsn)
        place = (settings[f"POSTGRES_{name}"] for name in ("DBNAME", "HOST", "PORT", "USER", "PASSWORD"))
        datastore = PostgresDatastore(*place, schema="ledger", pool_size=20)
        self._datastores.append(datastore)
        return AnyTopicRecorder(datastore)


class TestApplicationRecorder(OnLedger, ApplicationRecorderTestCase[LedgerRecorder]):
    """Insert, select, throughput, concurrency."""

    def test_subscribe(self) -> None:
        """The optional case: subscriptions see everything once, in order."""
        self.optional_test_insert_subscribe()


class TestNonInterleaving(OnLedger, NonInterleavingNotificationIDsBaseCase):
    """Positions of two concurrent inserts never interleave."""


del ApplicationRecorderTestCase, NonInterleavingNotificationIDsBaseCase


@pytest.fixture
def ledger(pg: Pg) -> Iterator[Ledger]:
    with Ledger(env=dict(ledger_environment(pg.app_dsn))) as opened:
        yield opened


def test_saving_and_getting_through_the_library(ledger: Ledger) -> None:
    """What was saved is folded by the aggregate's own evolve, at any version."""
    stream = uuid4()
    ledger.save(*following(stream, 0, [read_by("ann"), read_by("bob")]))
    found = ledger.repository.get(stream, projector_func=projector(ACCESS_LOG))
    assert (found.version, found.state.entries) == (2, 2)
    assert ledger.repository.get(stream, version=1, projector_func=projector(ACCESS_LOG)).state.entries == 1


def test_one_save_is_one_transaction(ledger: Ledger) -> None:
    """Several streams in one save: all or nothing, and the positions come back with the recordings."""
    first, second = uuid4(), uuid4()
    recordings = ledger.save(*following(first, 0, [read_by("a")]), *following(second, 0, [read_by("b")]))
    assert [1, 2] == [recording.notification.id for recording in recordings]
    with pytest.raises(IntegrityError):
        ledger.save(*following(first, 1, [read_by("c")]), *following(second, 0, [read_by("d")]))
    assert [1, 2] == [item.id for item in ledger.notification_log["1,10"].items]


def test_positions_follow_the_order_given(ledger: Ledger) -> None:
    """Interleaved streams are stored stream by stream; every event still learns its own position."""
    first, second = uuid4(), uuid4()
    one, two = following(first, 0, [read_by("a1"), read_by("a2")])
    [between] = following(second, 0, [read_by("b1")])
    recordings = ledger.save(one, between, two)
    stored = {item.id: item for item in ledger.notification_log["1,10"].items}
    for recording in recordings:
        domain_event = cast("StreamEvent", recording.domain_event)
        item = stored[recording.notification.id]
        assert (domain_event.originator_id, domain_event.originator_version) == (
            item.originator_id,
            item.originator_version,
        )


def test_a_repeated_save_with_its_command_id(ledger: Ledger) -> None:
    """The same command id gets the first positions and stores nothing."""
    command_id, events = uuid4(), following(uuid4(), 0, [read_by("a")])
    once = ledger.save(*events, command_id=command_id)
    again = ledger.save(*events, command_id=command_id)
    assert once[0].notification.id == again[0].notification.id
    assert ledger.recorder.max_notification_id() == 1


async def test_the_service_and_the_library_share_one_ledger(pg: Pg, ledger: Ledger) -> None:
    """What one appends, the other reads, in one dense order."""
    stream = uuid4()
    ledger.save(*following(stream, 0, [read_by("library")]))
    async with pg.log() as log:
        [recorded] = await log.read(0, 10)
    assert (stream, 1, read_by("library")) == (recorded.stream_id, recorded.version, recorded.event)


def test_events_without_an_actor_never_enter(ledger: Ledger) -> None:
    """A stored event whose topic is not ours has no actor to name, so the recorder refuses it."""
    foreign = StoredEvent(originator_id=uuid4(), originator_version=1, topic="somebody.elses", state=b"{}")
    with pytest.raises(ValueError, match="somebody"):
        ledger.recorder.insert_events([foreign])


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"POSTGRES_ENABLE_DB_FUNCTIONS": "y"}, "loses events"), ({"CREATE_TABLE": "y"}, "migrations")],
)
def test_dangerous_settings_are_refused(pg: Pg, settings: dict[str, str], message: str) -> None:
    """The library's own tables and its database functions cannot be switched on."""
    with pytest.raises(ProgrammingError, match=message):
        Ledger(env={**ledger_environment(pg.app_dsn), **settings})


def test_in_memory_by_default() -> None:
    """Without an environment the same application keeps its events in memory."""
    stream = uuid4()
    with Ledger() as ledger:
        ledger.save(*following(stream, 0, [read_by("ann")]))
        assert ledger.repository.get(stream, projector_func=projector(ACCESS_LOG)).version == 1
