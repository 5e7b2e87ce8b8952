"""Durable commands per second: the whole append path against the library's own recorder and against pgbench.

    python -m benchmarks.append [--seconds 2] [--rounds 5] [--concurrent 1,16,32,64] [--json FILE]

Ours: a new stream with one event per command, with everything on: event built and encoded, salted digest, Merkle leaf,
idempotency, actor, correlation id, instant, dense position, notification. Library: `insert_events` of one ready-made
stored event by its PostgresApplicationRecorder, as many threads as we have coroutines. pgbench: the same row, prepared,
committed one by one without any order. All on one server, fsync on, in turns.
"""

import argparse
import asyncio
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.log import PostgresLog
from adapters.postgres.migrations import migrate
from application import codec
from application.ports import Append, Change
from benchmarks.support import pgbench, results
from benchmarks.support.events import push_approved
from benchmarks.support.rounds import Contestant, Measure, Rounds, as_json, interleave, median, percentile, ratio
from domain.entity import Event

_SCRIPT = """
INSERT INTO library_events (originator_id, originator_version, topic, state)
VALUES (gen_random_uuid(), 1, '{topic}', '{state}');
"""


async def in_clear(stream: UUID) -> Event:
    """What a command appends, as it is."""
    return push_approved(stream)


def ours(
    log: PostgresLog,
    runner: asyncio.Runner,
    concurrent: int,
    seconds: float,
    make: Callable[[UUID], Awaitable[Event]] = in_clear,
) -> Measure:
    """`concurrent` coroutines, each waiting for its command before it makes and sends the next."""
    latencies: list[float] = []

    async def client(until: float) -> None:
        while (started := time.perf_counter()) < until:
            stream = uuid4()
            change = Change(stream_id=stream, expected_version=0, events=(await make(stream),))
            await log.append(Append(command_id=uuid4(), body_sha256=bytes(32), changes=(change,)))
            latencies.append(time.perf_counter() - started)

    async def clients() -> float:
        started = time.perf_counter()
        await asyncio.gather(*(client(started + seconds) for _ in range(concurrent)))
        return time.perf_counter() - started

    elapsed = runner.run(clients())
    return Measure(len(latencies) / elapsed, percentile(latencies, 0.99) * 1000)


def library(recorder: PostgresApplicationRecorder, concurrent: int, seconds: float) -> Measure:
    """As many threads, each inserting one stored event after the other."""
    latencies: list[float] = []
    topic, state = _stored()
    until = time.perf_counter() + seconds

    def client() -> None:
        while (started := time.perf_counter()) < until:
            recorder.insert_events([StoredEvent(uuid4(), 1, topic, state)])
            latencies.append(time.perf_counter() - started)

    threads = [threading.Thread(target=client) for _ in range(concurrent)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Measure(len(latencies) / (time.perf_counter() - started), percentile(latencies, 0.99) * 1000)


def _stored() -> tuple[str, bytes]:
    event = push_approved(UUID(int=1))
    return event.topic, codec.encode(event)


def measure(server: EmbeddedPostgres, directory: Path, arguments: argparse.Namespace) -> dict[int, Rounds]:
    """Rounds per number of concurrent commands."""
    app_dsn, owner_dsn = server.dsn("certferry_app"), server.dsn("certferry_owner")
    _allow_connections(server)
    migrate(owner_dsn)
    found: dict[int, Rounds] = {}
    with _library(owner_dsn) as recorder, asyncio.Runner() as runner:
        log = runner.run(PostgresLog(app_dsn).open())
        for concurrent in arguments.concurrent:
            contestants: dict[str, Contestant] = {
                "ours": partial(ours, log, runner, concurrent, arguments.seconds),
                "library": partial(library, recorder, concurrent, arguments.seconds),
                **_pgbench(owner_dsn, directory, concurrent, arguments.seconds),
            }
            found[concurrent] = interleave(contestants, arguments.rounds)
            _analyse(owner_dsn)
        runner.run(log.close())
    return found


@contextmanager
def _library(dsn: str) -> Iterator[PostgresApplicationRecorder]:
    parts = conninfo_to_dict(dsn)
    names = ("dbname", "host", "port", "user", "password")
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS public_bench")
    datastore = PostgresDatastore(
        *(str(parts.get(name, "5432")) for name in names), schema="public_bench", pool_size=64
    )
    recorder = PostgresApplicationRecorder(datastore, events_table_name="library_events")
    recorder.create_table()
    try:
        yield recorder
    finally:
        datastore.close()


def _pgbench(dsn: str, directory: Path, concurrent: int, seconds: float) -> dict[str, Contestant]:
    program = pgbench.find_pgbench()
    if program is None:
        return {}
    topic, state = _stored()
    script = directory / "insert.sql"
    script.write_text(_SCRIPT.format(topic=topic, state="\\x" + state.hex()))
    peer = make_conninfo(dsn, options="-csearch_path=public_bench")
    return {"pgbench": lambda: pgbench.run(program, peer, script, clients=concurrent, seconds=seconds)}


def _allow_connections(server: EmbeddedPostgres) -> None:
    """Room for the library's pool and pgbench at the same time."""
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET max_connections = 300")
    server.stop()
    server.start()


def _analyse(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ANALYZE")


def report(found: dict[int, Rounds]) -> str:
    """A Markdown table of medians and ratios."""
    rows: list[list[Any]] = []
    for concurrent, rounds in found.items():
        own = median(rounds, "ours")
        assert own is not None
        peers = [median(rounds, name) for name in ("library", "pgbench")]
        speeds = [f"{peer.per_second:,.0f}" if peer else "absent" for peer in peers]
        ratios = [ratio(rounds, "ours", name) or "absent" for name in ("library", "pgbench")]
        rows.append([concurrent, f"{own.per_second:,.0f}", f"{own.p99_ms:.1f}", *speeds, *ratios])
    return results.table(
        ["concurrent", "ours /s", "p99 ms", "library /s", "pgbench /s", "ours/library", "ours/pgbench"], rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--concurrent", type=lambda text: [int(part) for part in text.split(",")], default=[1, 16, 32, 64]
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory) / "pg") as server:
        found = measure(server, Path(directory), arguments)
    print(report(found))
    results.write(arguments.json, "append", {"rounds": {str(key): as_json(rounds) for key, rounds in found.items()}})


if __name__ == "__main__":
    main()
