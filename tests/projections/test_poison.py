"""Events that a projection cannot digest: quarantined, seen, told; everything else goes on."""

import asyncio
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from application import codec
from domain import ids
from domain.certificate import CertificateTagged
from domain.entity import Event
from domain.principal import PrincipalCreated
from domain.work_order_events import PushApproved
from projections.catalogue import ALL_PROJECTIONS
from projections.fold import Poison
from projections.rebuild import rebuild
from tests.projections.histories import history
from tests.projections.ledger import Recorder, Tables, caught_up, in_read, running, tables
from tests.projections.poison import CERTIFICATE, PERSON, forget, imported, nonsense, quarantine, smuggle
from tests.support.histories import OPERATOR, by
from tests.support.postgres import Pg, PostgresServer, database


def _person() -> tuple[UUID, tuple[Event, ...]]:
    return PERSON, (PrincipalCreated(meta=by(OPERATOR), name="Olga"),)


class Told:
    """What a runner's `on_quarantine` was told."""

    def __init__(self) -> None:
        self.poison: list[Poison] = []

    async def __call__(self, poison: Poison) -> None:
        self.poison.append(poison)

    async def heard(self, times: int = 1) -> None:
        """It is told after the rows are there."""
        while len(self.poison) < times:
            await asyncio.sleep(0.01)


async def test_bytes_that_cannot_be_decoded(pg: Pg) -> None:
    """The row stays as it was before, is marked, and takes no more events; all other streams and projections go on."""
    told = Told()
    async with pg.log() as log, running(pg, on_quarantine=told) as runner:
        recorder = Recorder(log)
        await recorder.record([((CERTIFICATE, (imported(),)),)])
        bad = smuggle(pg, CERTIFICATE, 2, CertificateTagged.topic, b'{"tags": 7}')
        after = smuggle(pg, CERTIFICATE, 3, CertificateTagged.topic, codec.encode(_tagged("later")))
        await recorder.record([(_person(),)])
        await caught_up(pg, recorder.position)
        await told.heard()
        assert runner.status.failures == 0
    assert in_read(pg, "SELECT version, position, quarantined_position, tags FROM read.inventory") == [(1, 1, bad, [])]
    assert in_read(pg, "SELECT count(*) FROM read.principals") == [(1,)]
    assert [("inventory", CERTIFICATE, bad)] == [(p.projection, p.key, p.position) for p in told.poison]
    assert "tags" in told.poison[0].error
    [(projection, position, error)] = in_read(pg, "SELECT projection, position, error FROM ops.quarantine")
    assert ("inventory", bad, told.poison[0].error) == (projection, position, error)
    assert in_read(pg, "SELECT key, position, skipped FROM read.quarantined") == [(CERTIFICATE, bad, 1)]
    indexed = in_read(pg, "SELECT position FROM read.audit_subjects WHERE subject = %s ORDER BY 1", CERTIFICATE)
    assert [(1,), (bad,), (after,)] == indexed


def _tagged(tag: str) -> Event:
    return CertificateTagged(meta=by(OPERATOR), tags=(tag,))


async def test_a_topic_that_nobody_knows(pg: Pg) -> None:
    """A newer version wrote it: the row of its stream is marked, because it may be out of date from there on."""
    told = Told()
    async with pg.log() as log, running(pg, on_quarantine=told):
        recorder = Recorder(log)
        await recorder.record([((CERTIFICATE, (imported(),)),)])
        of_row = smuggle(pg, CERTIFICATE, 2, "certificate.polished", b"{}")
        of_nothing = smuggle(pg, PERSON, 1, "person.polished", b"{}")
        await recorder.record([(((ids.derive("another"), _person()[1])),)])
        await caught_up(pg, recorder.position)
        await told.heard(2)
    assert in_read(pg, "SELECT version, quarantined_position FROM read.inventory") == [(1, of_row)]
    assert [("inventory", of_row), ("*", of_nothing)] == [(p.projection, p.position) for p in told.poison]
    assert in_read(pg, "SELECT projection, position FROM ops.quarantine ORDER BY position") == [
        ("inventory", of_row),
        ("*", of_nothing),
    ]


async def test_an_event_that_cannot_be_folded(pg: Pg) -> None:
    """An approval of nothing is quarantined where it means nothing; the next runner remembers, and tells it again."""
    told, again = Told(), Told()
    stray = PushApproved(meta=by(OPERATOR), level=1, digest="d")
    async with pg.log() as log:
        recorder = Recorder(log)
        async with running(pg, on_quarantine=told):
            await recorder.record([((PERSON, (stray,)),), ((CERTIFICATE, (imported(),)),)])
            await caught_up(pg, recorder.position)
            await told.heard()
        async with running(pg, on_quarantine=again):
            await recorder.record([((PERSON, (stray,)),), ((CERTIFICATE, (_tagged("web"),)),)])
            await caught_up(pg, recorder.position)
            await again.heard()
    assert [("work_orders", PERSON, 1)] == [(p.projection, p.key, p.position) for p in told.poison]
    assert told.poison == again.poison
    assert in_read(pg, "SELECT version, tags FROM read.inventory") == [(2, ["web"])]
    assert in_read(pg, "SELECT projection, skipped FROM read.quarantined") == [("work_orders", 1)]


async def test_a_row_that_the_database_refuses(pg: Pg) -> None:
    """A value too long for an index is found among many events, by projection and key; the others are stored."""
    absurd = Random(1).randbytes(20_000).hex()
    told = Told()
    others = [((ids.derive("person", n), _person()[1]),) for n in range(25)]
    async with pg.log() as log:
        recorder = Recorder(log)
        await recorder.record([*others[:20], ((CERTIFICATE, (imported(fingerprint_sha256=absurd),)),), *others[20:]])
        await recorder.record([((CERTIFICATE, (_tagged("web"),)),)])
        async with running(pg, on_quarantine=told) as runner:
            await caught_up(pg, recorder.position)
            await told.heard()
            assert runner.status.failures == 0
    assert in_read(pg, "SELECT count(*) FROM read.principals") == [(25,)]
    assert in_read(pg, "SELECT count(*) FROM read.inventory") == [(0,)]
    assert [("inventory", CERTIFICATE, 21)] == [(p.projection, p.key, p.position) for p in told.poison]
    assert "index" in told.poison[0].error
    assert in_read(pg, "SELECT skipped FROM read.quarantined") == [(1,)]
    followed = tables(pg)
    await rebuild(pg.app_dsn, ALL_PROJECTIONS, codec.decode)
    assert tables(pg) == followed
    assert in_read(pg, "SELECT projection, position FROM ops.quarantine") == [("inventory", 21)]


async def test_a_rebuild_lets_them_go(pg: Pg) -> None:
    """When the program can digest the event, a rebuild makes the rows whole and empties the quarantine."""

    def older(topic: str, payload: bytes) -> Event:
        if topic == CertificateTagged.topic:
            raise codec.UnknownTopic(topic)
        return codec.decode(topic, payload)

    async with pg.log() as log:
        recorder = Recorder(log)
        await recorder.record([((CERTIFICATE, (imported(),)),), ((CERTIFICATE, (_tagged("web"),)),)])
        async with running(pg, decode=older):
            await caught_up(pg, recorder.position)
        assert in_read(pg, "SELECT version, quarantined_position FROM read.inventory") == [(1, 2)]
        async with running(pg):
            await rebuild(pg.app_dsn, ALL_PROJECTIONS, codec.decode)
            assert in_read(pg, "SELECT version, quarantined_position, tags FROM read.inventory") == [(2, None, ["web"])]
            assert in_read(
                pg, "SELECT (SELECT count(*) FROM ops.quarantine), (SELECT count(*) FROM read.quarantined)"
            ) == [(0, 0)]
            await recorder.record([((CERTIFICATE, (_tagged("db"),)),)])
            await caught_up(pg, recorder.position)
    assert in_read(pg, "SELECT version, tags FROM read.inventory") == [(3, ["db"])]


@settings(max_examples=2, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32), batch=st.integers(1, 40))
async def test_quarantine_does_not_depend_on_batches(postgres_server: PostgresServer, seed: int, batch: int) -> None:
    """Events that make no sense, anywhere: one at a time, in batches, or rebuilt, the tables and the quarantine
    agree.
    """
    commands = nonsense(Random(seed), history(seed, 150))
    found: list[tuple[Tables, Any]] = []
    with database(postgres_server) as pg:
        async with pg.log() as log:
            position = await Recorder(log).record(commands)
        for size in (batch, 5000):
            forget(pg)
            async with running(pg, batch=size):
                await caught_up(pg, position)
            found.append((tables(pg), quarantine(pg)))
        for memory in (10, 100_000):
            await rebuild(pg.app_dsn, ALL_PROJECTIONS, codec.decode, memory_rows=memory)
            found.append((tables(pg), quarantine(pg)))
    first, *others = found
    assert first[1]
    for other in others:
        assert first[1] == other[1]
        assert first[0] == other[0]


async def test_somebody_who_fails_to_listen_stops_nothing(pg: Pg) -> None:
    """When the quarantine cannot be told, the read models go on all the same."""

    async def deaf(_: Poison) -> None:
        raise OSError("the alert could not be stored")

    async with pg.log() as log, running(pg, on_quarantine=deaf) as runner:
        recorder = Recorder(log)
        stray = PushApproved(meta=by(OPERATOR), level=1, digest="d")
        await recorder.record([((PERSON, (stray,)),), ((CERTIFICATE, (imported(),)),)])
        await caught_up(pg, recorder.position)
        assert runner.status.failures == 0
    assert in_read(pg, "SELECT count(*) FROM read.inventory") == [(1,)]
