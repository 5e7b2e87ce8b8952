"""Group commit when things go wrong: nobody pays for somebody else's failure, and nothing unsure is acknowledged."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest

from adapters.postgres import launch
from adapters.postgres.batch import Outcome
from adapters.postgres.committer import Committer
from adapters.postgres.connection import NotDurable
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.log import PostgresLog
from adapters.postgres.migrations import migrate
from adapters.postgres.roles import APP, OWNER
from application.entries import Prepared, prepare
from application.ports import Append, Appended, LogUnavailable
from tests.adapters.postgres.ledger_checks import check_ledger
from tests.contracts.log_events import command, read_by, writing
from tests.support.postgres import Pg

HOLD_LOCK = "SELECT pg_advisory_lock(7163384699739501)"


def fresh(who: str = "ann") -> Append:
    return command(writing(uuid4(), 0, read_by(who)))


def poison() -> Prepared:
    """A command that came past every check of ours and that the database cannot store."""
    prepared = prepare(fresh())
    change = prepared.changes[0]
    broken = msgspec.structs.replace(change.entries[0], actor="user:a\0b")
    return msgspec.structs.replace(prepared, changes=(msgspec.structs.replace(change, entries=(broken,)),))


@pytest.fixture
async def committer(pg: Pg) -> AsyncIterator[Committer]:
    made = Committer(pg.app_dsn)
    yield made
    await made.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server that a test may stop."""
    with EmbeddedPostgres(tmp_path / "pg") as embedded:
        migrate(embedded.dsn(OWNER))
        yield embedded


async def test_poison_hurts_only_itself(pg: Pg, committer: Committer) -> None:
    """Of a batch with two commands that the database refuses all others are accepted."""
    commands = [poison() if n in {3, 11} else prepare(fresh(str(n))) for n in range(14)]
    outcomes = await asyncio.gather(*map(committer.append, commands), return_exceptions=True)
    assert [3, 11] == [n for n, outcome in enumerate(outcomes) if isinstance(outcome, ValueError)]
    assert sum(isinstance(outcome, Appended) for outcome in outcomes) == 12
    assert check_ledger(pg.app_dsn) == 12


LATE_REFUSAL = """
CREATE FUNCTION ledger.refuse_late() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'too late' USING ERRCODE = 'disk_full'; END $$;
CREATE CONSTRAINT TRIGGER refuse_late AFTER INSERT ON ledger.events DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.actor = 'user:late') EXECUTE FUNCTION ledger.refuse_late();
"""


async def test_an_error_of_the_commit_is_no_acknowledgement(pg: Pg, committer: Committer) -> None:
    """The statement has answered, then the commit fails: its command is refused, the others are accepted."""
    with psycopg.connect(pg.owner_dsn, autocommit=True) as connection:
        connection.execute(LATE_REFUSAL)
    commands = [prepare(fresh("late" if n == 5 else str(n))) for n in range(30)]
    outcomes = await asyncio.gather(*map(committer.append, commands), return_exceptions=True)
    assert [5] == [n for n, outcome in enumerate(outcomes) if isinstance(outcome, LogUnavailable)]
    assert sum(isinstance(outcome, Appended) for outcome in outcomes) == 29
    assert check_ledger(pg.app_dsn) == 29


async def test_batches_under_way_are_sent_again_in_their_order(pg: Pg, committer: Committer) -> None:
    """Two batches wait for the lock when their connection is cut: both are carried out, each command once."""
    async with await psycopg.AsyncConnection.connect(pg.superuser_dsn, autocommit=True) as other:
        await committer.append(prepare(fresh()))
        await other.execute(HOLD_LOCK)
        waiting = [asyncio.create_task(committer.append(prepare(fresh(str(n))))) for n in range(40)]
        await asyncio.sleep(0.1)
        waiting += [asyncio.create_task(committer.append(prepare(fresh(str(n))))) for n in range(40)]
        await asyncio.sleep(0.1)
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'certferry committer'"
        )
        await other.execute("SELECT pg_advisory_unlock_all()")
        appended = await asyncio.gather(*waiting)
    positions = [each.last_position for each in appended if isinstance(each, Appended)]
    assert sorted(positions) == list(range(2, 82))
    assert check_ledger(pg.app_dsn) == 81


async def test_a_failure_tells_no_contents(committer: Committer) -> None:
    """The error of a command that cannot be stored names the reason, not what the command holds."""
    with pytest.raises(ValueError, match="cannot store") as caught:
        await committer.append(poison())
    assert "a\0b" not in str(caught.value)


async def test_lost_connections_are_not_noticed(pg: Pg, committer: Committer) -> None:
    """Commands sent over a connection that was cut meanwhile are carried out once."""
    await committer.append(prepare(fresh()))
    with psycopg.connect(pg.superuser_dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'certferry committer'"
        )
    outcomes = await asyncio.gather(*(committer.append(prepare(fresh(str(n)))) for n in range(40)))
    assert all(isinstance(outcome, Appended) for outcome in outcomes)
    assert check_ledger(pg.app_dsn) == 41


async def test_a_server_that_is_away(server: EmbeddedPostgres) -> None:
    """While the server is away a command is unavailable after the log's patience; afterwards the same id works."""
    async with PostgresLog(server.dsn(), patience=0.2) as log:
        await log.append(fresh())
        server.stop()
        waiting = fresh()
        with pytest.raises(LogUnavailable):
            await log.append(waiting)
        for read in (log.head(), log.load([uuid4()]), log.find_command(uuid4())):
            with pytest.raises(LogUnavailable):
                await read
        server.start()
        assert (await log.append(waiting)).last_position == 2
        assert await log.head() == 2


async def test_a_server_that_comes_back_in_time(server: EmbeddedPostgres) -> None:
    """A restart within the log's patience is only a delay."""
    async with PostgresLog(server.dsn(), patience=60.0) as log:
        await log.append(fresh())
        server.stop()
        waiting = [asyncio.create_task(log.append(fresh(str(n)))) for n in range(20)]
        await asyncio.sleep(0.1)
        server.start()
        assert len({appended.last_position for appended in await asyncio.gather(*waiting)}) == 20


async def test_a_statement_that_takes_too_long(pg: Pg) -> None:
    """Where the writer's lock is held by somebody for ever, our own time limit answers; nothing was committed."""
    committer = Committer(pg.app_dsn, statement_timeout=0.3)
    async with await psycopg.AsyncConnection.connect(pg.app_dsn, autocommit=True) as other:
        await other.execute(HOLD_LOCK)
        with pytest.raises(LogUnavailable, match="57014"):
            await committer.append(prepare(fresh()))
    assert isinstance(await committer.append(prepare(fresh())), Appended)
    await committer.close()
    assert check_ledger(pg.app_dsn) == 1


async def test_a_cancelled_wait_for_a_standby_is_no_acknowledgement(server: EmbeddedPostgres) -> None:
    """PostgreSQL answers success with only a warning when such a wait is cancelled: the caller hears `unavailable`."""
    superuser = server.dsn("postgres", "certferry")
    async with PostgresLog(server.dsn()) as log:
        await log.append(fresh())
        await set_standby(superuser, "nobody")
        waiting = fresh()
        task = asyncio.create_task(log.append(waiting))
        await cancel_waiting_commit(superuser)
        with pytest.raises(LogUnavailable, match="no standby"):
            await task
        repeat = asyncio.create_task(log.append(waiting))
        await asyncio.sleep(0.3)
        assert not repeat.done()  # the repeat waits for the standby as well
        await set_standby(superuser, "")
        assert (await repeat).repeated


async def set_standby(dsn: str, name: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'".encode())
        await connection.execute("SELECT pg_reload_conf()")
        while (await (await connection.execute("SHOW synchronous_standby_names")).fetchone()) != (name,):
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)  # backends read their configuration before their next statement


async def cancel_waiting_commit(dsn: str) -> None:
    query = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while not await (await connection.execute(query)).fetchall():
            await asyncio.sleep(0.02)


async def test_closing_commits_what_waits(pg: Pg) -> None:
    """Commands that were accepted into the queue are carried out before the log is closed; later ones are refused."""
    log = await pg.log().open()
    waiting = [asyncio.create_task(log.append(fresh(str(n)))) for n in range(50)]
    await asyncio.sleep(0)
    await log.close()
    assert len(await asyncio.gather(*waiting)) == 50
    with pytest.raises(LogUnavailable, match="closing"):
        await log.append(fresh())
    assert check_ledger(pg.app_dsn) == 50


async def test_batches_are_bounded(pg: Pg) -> None:
    """A thousand commands at once, some of them large, are all accepted."""
    large = [command(writing(uuid4(), 0, *[read_by("x" * 20_000)] * 20)) for _ in range(10)]
    async with pg.log() as log:
        outcomes = await asyncio.gather(*(log.append(each) for each in [*large, *(fresh() for _ in range(1000))]))
    assert max(outcome.last_position for outcome in outcomes) == 1200
    assert check_ledger(pg.app_dsn) == 1200


@pytest.mark.parametrize("events", [1, 300])
async def test_a_command_larger_than_the_socket_buffer(pg: Pg, events: int) -> None:
    """Several megabytes in one command arrive whole."""
    stream = uuid4()
    async with pg.log() as log:
        appended = await log.append(command(writing(stream, 0, *[read_by("y" * 20_000)] * events)))
        assert len((await log.load([stream]))[stream]) == events
    assert appended.last_position == events


@pytest.mark.parametrize(("setting", "value"), [("synchronous_commit", "off"), ("synchronous_commit", "local")])
async def test_a_database_that_may_forget_is_refused(pg: Pg, setting: str, value: str) -> None:
    """The service does not start on weak settings; the message names the setting. Tests may choose to."""
    with psycopg.connect(pg.superuser_dsn, autocommit=True) as connection:
        connection.execute(f"ALTER ROLE {APP} IN DATABASE {pg.name} SET {setting} = {value}".encode())
    with pytest.raises(NotDurable, match=f"{setting} = {value}"):
        await pg.log().open()
    async with pg.log(require_durable=False) as log:
        await log.append(fresh())


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
async def test_a_server_that_may_forget_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """The same for settings of the whole server."""
    monkeypatch.setitem(launch.SETTINGS, setting, "off")
    with EmbeddedPostgres(tmp_path / "pg") as server:
        migrate(server.dsn(OWNER))
        with pytest.raises(NotDurable, match=f"{setting} = off"):
            await PostgresLog(server.dsn()).open()


async def test_the_embedded_server_cannot_be_made_forgetful(server: EmbeddedPostgres) -> None:
    """Its settings of durability stand above its configuration."""
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
    server.stop()
    server.start()
    async with PostgresLog(server.dsn()) as log:
        assert await log.head() == 0


async def test_several_processes_worth_of_logs(pg: Pg) -> None:
    """Several logs on one database decide every race once: one winner per version, whoever asks."""
    streams = [UUID(int=n) for n in range(5)]
    logs = [await pg.log().open() for _ in range(3)]
    commands = [command(writing(stream, 0, read_by("racer"))) for stream in streams for _ in range(12)]
    outcomes = await asyncio.gather(
        *(logs[n % 3].append(each) for n, each in enumerate(commands)), return_exceptions=True
    )
    for log in logs:
        await log.close()
    assert sum(isinstance(outcome, Appended) for outcome in outcomes) == len(streams)
    assert check_ledger(pg.app_dsn) == len(streams)


async def test_outcomes_are_told_apart(committer: Committer) -> None:
    """Accepted, repeated, reused and in conflict, in one batch, each to its own caller."""
    first = prepare(fresh())
    await committer.append(first)
    stale = prepare(command(writing(first.changes[0].stream_id, 0, read_by("late"))))
    sent = [first, msgspec.structs.replace(first, body_sha256=b"\1" * 32), stale, prepare(fresh())]
    outcomes = await asyncio.gather(*map(committer.append, sent))
    assert outcomes[:3] == [Outcome.REPEATED, Outcome.REUSED, Outcome.CONFLICT]
    assert isinstance(outcomes[3], Appended)
