"""Verifying everything: what holds passes, whoever tampers is found and located, an interrupted run goes on."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from adapters.postgres import raw
from adapters.replaying.groups import topics
from adapters.sealing.checkpoints import latest
from adapters.verifying import state as states
from adapters.verifying import verifying
from adapters.verifying.crew import WorkerEnded
from adapters.verifying.state import Share
from adapters.verifying.verifying import Outcome, Wish, verify
from application.leaf import complete_leaf
from domain.transparency.edge import Edge, grow
from domain.transparency.hashing import leaf_hash
from projections.catalogue import HISTORIES
from projections.lines import HISTORY
from tests.adapters.sealing.forging import rewrite, seal_again
from tests.adapters.sealing.ledgers import as_sealer, keyring, only, seal, tampering
from tests.projections.histories import history
from tests.projections.ledger import Recorder, caught_up, running
from tests.projections.world import Change
from tests.support.postgres import Pg, PostgresServer, database

Commands = Sequence[tuple[Change, ...]]
AT = 211
ROOT = Path(__file__).resolve().parents[3]


WORLD = history(17, 900)
BEGINNING, REST = WORLD.commands[:300], WORLD.commands[300:]


async def record(pg: Pg, *parts: Commands) -> None:
    """The last part is recorded, after the others; both lines follow."""
    async with pg.log() as log, running(pg), running(pg, HISTORIES, line=HISTORY):
        recorder = Recorder(log, known=[change for part in parts[:-1] for command in part for change in command])
        position = await recorder.record(parts[-1])
        await caught_up(pg, position)
        await caught_up(pg, position, HISTORY)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def sealed(postgres_server: PostgresServer, keys: Path) -> Iterator[Pg]:
    """Some hundred events, sealed in several checkpoints, followed by both lines of read models."""
    with database(postgres_server) as pg:
        asyncio.run(record(pg, BEGINNING))
        seal(pg, keys, batch=100)
        yield pg


@pytest.fixture
def pg(postgres_server: PostgresServer, sealed: Pg) -> Iterator[Pg]:
    """A copy, to tamper with."""
    with database(postgres_server, template=sealed.name) as copy:
        yield copy


def tampered(pg: Pg, *statements: str) -> Outcome:
    """What a verification finds after the owner had their way: the same, however many processes look."""
    with tampering(pg) as connection:
        for statement in statements:
            connection.execute(statement.encode())
    found = verify(pg.app_dsn, Wish())
    assert found == verify(pg.app_dsn, Wish(processes=2))
    return found


def _payload(connection: psycopg.Connection[Any], position: int) -> bytes:
    found: bytes = only(connection, "SELECT state FROM ledger.events WHERE notification_id = %s", position)
    return found


def root_at(pg: Pg, size: int) -> bytes:
    """The root over the first events, computed here."""
    with raw.connect_raw(pg.app_dsn, "test") as connection:
        hashes = [leaf_hash(row.leaf) for page in raw.pages(connection, 0, size) for row in page]
    return grow(Edge(), hashes).edge.root()


@pytest.mark.parametrize("processes", [1, 2])
def test_what_nobody_touched_holds(sealed: Pg, processes: int) -> None:
    """Every leaf, checkpoint and row; the root is the one that was signed; checkpoints kept elsewhere agree."""
    with as_sealer(sealed) as connection:
        newest = latest(connection)
    assert newest is not None
    told: list[int] = []
    found = verify(sealed.app_dsn, Wish(roots={150: root_at(sealed, 150)}, processes=processes), told.append)
    assert (None, None) == (found.position, found.finding)
    assert (newest.size, newest.root) == (found.size, found.root)
    assert newest.number == found.checkpoints
    assert found.read is not None
    assert (0, newest.size, newest.size) == (found.read.total, found.read.live, found.read.past)
    assert newest.size == told[-1]
    alone = verify(sealed.app_dsn, Wish(read_models=False))
    assert (found.root, None) == (alone.root, alone.read)


@pytest.mark.parametrize(
    ("statement", "position", "said"),
    [
        ("UPDATE ledger.events SET state = state || ' ' WHERE notification_id = 211", AT, "payload"),
        ("UPDATE ledger.events SET salt = sha256(salt) WHERE notification_id = 211", AT, "payload"),
        ("UPDATE ledger.events SET leaf = overlay(leaf placing 'x' from 30) WHERE notification_id = 211", AT, "leaf"),
        ("UPDATE ledger.events SET topic = 'alert.raised' WHERE notification_id = 211", AT, "type"),
        ("UPDATE ledger.events SET actor = 'user:eve' WHERE notification_id = 211", AT, "actor"),
        ("UPDATE ledger.events SET originator_version = 77 WHERE notification_id = 211", AT, "version"),
        ("UPDATE ledger.events SET originator_id = gen_random_uuid() WHERE notification_id = 211", AT, "stream"),
        ("UPDATE ledger.events SET recorded_at = recorded_at + '1us' WHERE notification_id = 211", AT, "instant"),
        ("UPDATE ledger.events SET recorded_at = 'infinity' WHERE notification_id = 211", AT, "instant"),
        ("UPDATE ledger.events SET correlation_id = gen_random_uuid() WHERE notification_id = 211", AT, "correlation"),
        ("DELETE FROM ledger.events WHERE notification_id = 211", AT, "missing"),
        ("DELETE FROM ledger.events WHERE notification_id >= 211", AT, "ends here"),
        ("UPDATE ledger.events SET notification_id = -notification_id WHERE notification_id = 211", AT, "missing"),
        (
            "UPDATE ledger.checkpoints SET note = replace(note, E'\\n100\\n', E'\\n101\\n') WHERE size = 100",
            None,
            "valid",
        ),
        ("UPDATE ledger.checkpoints SET root = sha256(root) WHERE size = 100", None, "1 to 100"),
        ("DELETE FROM ledger.checkpoints WHERE number = 2", None, "checkpoint 2 is missing"),
        ("DELETE FROM ledger.tiles", None, "tile 0/0 is missing"),
        ("UPDATE ledger.tiles SET nodes = overlay(nodes placing '12345678' from 6721)", AT, "sealed"),
    ],
)
def test_whoever_changes_a_thing_is_found(pg: Pg, statement: str, position: int | None, said: str) -> None:
    """As the owner, with every trigger out of the way: the first bad position, and what is wrong there."""
    found = tampered(pg, statement)
    assert position == found.position
    assert found.finding is not None
    assert said in found.finding
    assert found.read is None


def test_two_events_that_changed_places(pg: Pg) -> None:
    """Each says by its leaf where it belongs."""
    swap = "UPDATE ledger.events SET notification_id = 423 - notification_id WHERE notification_id IN (211, 212)"
    drop = "ALTER TABLE ledger.events DROP CONSTRAINT events_position"
    assert AT == tampered(pg, drop, swap).position


def test_one_event_twice(pg: Pg) -> None:
    """The second is at no place of its own."""
    drop = "ALTER TABLE ledger.events DROP CONSTRAINT events_position, DROP CONSTRAINT events_pkey"
    copy = "INSERT INTO ledger.events SELECT * FROM ledger.events WHERE notification_id = 211"
    assert AT + 1 == tampered(pg, drop, copy).position


def test_an_event_replaced_with_all_that_belongs_to_it(pg: Pg) -> None:
    """Payload and leaf fit each other; the tree that was sealed does not."""
    with tampering(pg) as connection:
        rewrite(connection, AT, _payload(connection, AT) + b" ")
    found = verify(pg.app_dsn, Wish())
    assert AT == found.position
    assert found.finding is not None
    assert "not the one that was sealed" in found.finding or "checkpoint" in found.finding


def test_whoever_has_database_and_key(pg: Pg, keys: Path, sealed: Pg) -> None:
    """Everything made anew, signed with the real key: it is without fault of its own, and fails against any checkpoint
    that somebody kept, unless that one is older than what was changed.
    """
    outside = {size: root_at(sealed, size) for size in (100, 210, 211, 300)}
    with tampering(pg) as connection:
        rewrite(connection, AT, _payload(connection, AT) + b" ")
        seal_again(connection, keyring(keys).signers())
    assert verify(pg.app_dsn, Wish()).intact
    for size, root in outside.items():
        found = verify(pg.app_dsn, Wish(roots={size: root}, read_models=False))
        assert (size < AT) == found.intact, size
        assert found.intact or "checkpoint from elsewhere" in str(found.finding)
    both = verify(pg.app_dsn, Wish(roots=outside, read_models=False))
    assert "211 to 211" in str(both.finding)


def _renumbered(connection: psycopg.Connection[Any], gone: int) -> None:
    """An event taken out, all later ones moved up, leaves and seals made anew."""
    rows = [row for page in raw.pages(connection, 0, 10**6) for row in page]
    connection.execute("DELETE FROM ledger.events WHERE notification_id >= %s", [gone])
    for row in rows[gone:]:
        head = row.leaf[: row.leaf.rindex(b',"version":')]
        at = raw.instant_of(row.recorded_at)
        leaf = complete_leaf(head, row.version, row.position - 1, at)
        stream, conversation = row.stream.hex(), row.correlation_id.hex()
        values = [
            stream,
            row.version,
            row.topic,
            row.payload,
            row.position - 1,
            row.actor,
            conversation,
            at,
            row.salt,
            leaf,
        ]
        connection.execute("INSERT INTO ledger.events VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", values)
    connection.execute("DELETE FROM ledger.checkpoints WHERE size >= %s", [len(rows)])


def test_an_event_left_out_by_whoever_has_database_and_key(pg: Pg, keys: Path) -> None:
    """Positions are dense again and all is signed; the stream's versions still tell of it."""
    with tampering(pg) as connection:
        rows = [row for page in raw.pages(connection, 0, 10**6) for row in page]
        gone = next(row.position for row in rows[AT:] if any(r.stream == row.stream for r in rows[row.position :]))
        following = next(r for r in rows[gone:] if r.stream == rows[gone - 1].stream)
        _renumbered(connection, gone)
        seal_again(connection, keyring(keys).signers())
    found = verify(pg.app_dsn, Wish(read_models=False))
    assert following.position - 1 == found.position
    assert "version" in str(found.finding)


def test_a_payload_that_nobody_can_read(pg: Pg, keys: Path) -> None:
    """Proven and signed, and still no event."""
    with tampering(pg) as connection:
        rewrite(connection, AT, b'{"not": "an event"}')
        seal_again(connection, keyring(keys).signers())
    for wish in (Wish(), Wish(read_models=False), Wish(processes=2), Wish(processes=5)):
        found = verify(pg.app_dsn, wish)
        assert AT == found.position
        assert "cannot be read" in str(found.finding)


def test_what_is_wrong_later_is_not_told_first(pg: Pg, keys: Path) -> None:
    """Who reads the events may be behind who hashes them: the first bad position is named all the same."""
    with tampering(pg) as connection:
        rewrite(connection, AT, b'{"not": "an event"}')
        seal_again(connection, keyring(keys).signers())
        connection.execute("UPDATE ledger.events SET state = '{}' WHERE notification_id = %s", [AT + 9])
    for wish in (Wish(), Wish(read_models=False), Wish(processes=2)):
        found = verify(pg.app_dsn, wish)
        assert AT == found.position
        assert "cannot be read" in str(found.finding)


def test_what_was_found_is_told_whatever_happens_then(pg: Pg, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database goes away before it can be asked whether an earlier event cannot be read."""
    with tampering(pg) as connection:
        connection.execute("UPDATE ledger.events SET state = '{}' WHERE notification_id = %s", [AT])

    def away(dsn: str, name: str) -> psycopg.Connection[Any]:
        raise psycopg.OperationalError(f"{name}: {dsn} is away")

    monkeypatch.setattr(raw, "connect_raw", away)  # the verification itself joins a snapshot
    found = verify(pg.app_dsn, Wish(processes=2))
    assert AT == found.position
    assert "not the one that its leaf names" in str(found.finding)


def test_an_event_that_no_read_model_takes_is_read_as_well(pg: Pg, keys: Path) -> None:
    """With several processes the one that hashes reads what the others leave out."""
    taken = topics(HISTORIES)
    with tampering(pg) as connection:
        rows = [row for page in raw.pages(connection, 0, 10**6) for row in page]
        at = next(row.position for row in rows if row.topic not in taken)
        rewrite(connection, at, b'{"not": "an event"}')
        seal_again(connection, keyring(keys).signers())
    found = verify(pg.app_dsn, Wish(processes=2))
    assert at == found.position
    assert "cannot be read" in str(found.finding)


def test_read_models_that_differ(pg: Pg) -> None:
    """The ledger holds, the row does not."""
    with psycopg.connect(pg.app_dsn) as connection:
        connection.execute("UPDATE read.work_orders SET status = 'gone' WHERE status <> 'completed'")
    found = verify(pg.app_dsn, Wish())
    assert found.intact
    assert found.read is not None
    assert {"work_orders"} == {wrong.table for wrong in found.read.wrong}
    assert found == verify(pg.app_dsn, Wish(processes=2)) == verify(pg.app_dsn, Wish(processes=5))


class _Interrupted(Exception):
    pass


def _interrupt(at: int) -> Callable[[int], None]:
    def on_progress(size: int) -> None:
        if size >= at:
            raise _Interrupted

    return on_progress


@pytest.mark.parametrize("processes", [1, 2])
def test_an_interrupted_run_goes_on(
    pg: Pg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: Path, processes: int
) -> None:
    """Where it had ended, with the same result; after more events from there, too; and without reading twice."""
    monkeypatch.setattr(verifying, "STEP", 64)
    monkeypatch.setattr(verifying, "_SAVE_SECONDS", 0.0)
    whole = verify(pg.app_dsn, Wish())
    wish = Wish(state=tmp_path / "state", processes=processes)
    with pytest.raises(_Interrupted):
        verify(pg.app_dsn, wish, _interrupt(200))
    assert [] == active_children()
    again = verify(pg.app_dsn, wish)
    assert 128 <= again.begun <= (256 if processes == 1 else whole.size)  # the ledger may be ahead of the read models
    assert (whole.root, whole.size, whole.read) == (again.root, again.size, again.read)
    last = verify(pg.app_dsn, wish)
    assert (whole.size, whole.root, whole.read) == (last.begun, last.root, last.read)
    asyncio.run(record(pg, BEGINNING, REST))
    seal(pg, keys)
    later = verify(pg.app_dsn, wish)
    assert whole.size == later.begun < later.size
    assert later.intact
    assert later.read is not None
    assert 0 == later.read.total


def _folded(path: Path) -> Share:
    """What one of several processes kept."""
    with closing(sqlite3.connect(path)) as database:
        [row] = database.execute("SELECT state FROM verification").fetchall()
    return msgspec.json.decode(row[0], type=Share)


_KILLED = """
import os, signal, sys
from pathlib import Path
from adapters.verifying import verifying

verifying.STEP, verifying._SAVE_SECONDS = 64, 0.0

def on_progress(size):
    if size >= 200:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    verifying.verify(sys.argv[1], verifying.Wish(state=Path(sys.argv[2]), processes=2), on_progress)
"""


_LEFT = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'certferry verify%%'"


def test_a_killed_run_goes_on(pg: Pg, tmp_path: Path) -> None:
    """kill -9 in the middle: its processes end with it, each is gone on with from where it had come to."""
    state = tmp_path / "state"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", _KILLED, pg.app_dsn, str(state)], env=environment, check=False)
    assert -signal.SIGKILL == killed.returncode
    deadline = time.monotonic() + 60
    with psycopg.connect(pg.app_dsn, autocommit=True) as connection:
        while only(connection, _LEFT):
            assert time.monotonic() < deadline, "its processes did not end"
            time.sleep(0.05)
    wish = Wish(state=state, processes=2)
    again = verify(pg.app_dsn, wish)
    assert again.begun >= 128
    assert verify(pg.app_dsn, Wish()).read == again.read
    first, second = (_folded(states.beside(state, number)) for number in (1, 2))
    assert (first.run, again.size, again.size) == (second.run, first.position, second.position)


def test_a_process_that_is_killed(pg: Pg) -> None:
    """Nothing was found out, and that is said; the others end."""

    def kill_one(_: int) -> None:
        for process in active_children()[:1]:
            process.kill()

    with pytest.raises(WorkerEnded, match="-9"):
        verify(pg.app_dsn, Wish(processes=2), kill_one)
    assert [] == active_children()


def test_what_a_process_raises(pg: Pg, tmp_path: Path) -> None:
    """Is raised here; a file that is no state is left alone."""
    wish = Wish(state=tmp_path / "state", processes=2)
    other = states.beside(tmp_path / "state", 2)
    other.write_text("my thesis " * 1000, encoding="utf-8")
    with pytest.raises(sqlite3.DatabaseError):
        verify(pg.app_dsn, wish)
    assert other.read_text(encoding="utf-8").startswith("my thesis")
    assert [] == active_children()


def test_a_state_is_bound_to_its_ledger(pg: Pg, sealed: Pg, tmp_path: Path, keys: Path) -> None:
    """Over a ledger whose event there was changed nobody goes on."""
    wish = Wish(state=tmp_path / "state")
    size = verify(pg.app_dsn, wish).size
    with tampering(pg) as connection:
        rewrite(connection, size, _payload(connection, size) + b" ")
        seal_again(connection, keyring(keys).signers())
    found = verify(pg.app_dsn, wish)
    assert size == found.position
    assert "earlier verification" in str(found.finding)


def test_a_state_of_something_else_is_not_used(pg: Pg, tmp_path: Path) -> None:
    """Of a run that compared other things it begins anew; a file that is no state is left alone."""
    wish = Wish(state=tmp_path / "state")
    verify(pg.app_dsn, wish._replace(read_models=False))
    found = verify(pg.app_dsn, wish)
    assert (0, 0) == (found.begun, found.read.total if found.read else None)
    shared = wish._replace(processes=2)
    assert [0, found.size, found.size] == [verify(pg.app_dsn, shared).begun for _ in range(3)]
    assert [0, found.size] == [verify(pg.app_dsn, wish).begun for _ in range(2)]
    other = tmp_path / "other"
    other.write_text("my thesis " * 1000, encoding="utf-8")
    with pytest.raises(sqlite3.DatabaseError):
        verify(pg.app_dsn, Wish(state=other))
    assert other.read_text(encoding="utf-8").startswith("my thesis")


def test_an_empty_ledger(postgres_server: PostgresServer) -> None:
    """Holds."""
    with database(postgres_server) as empty:
        found = verify(empty.app_dsn, Wish())
    assert (0, True) == (found.size, found.intact)
