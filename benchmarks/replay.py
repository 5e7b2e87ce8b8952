"""Events per second out of the ledger: typed events in batches, against COPY binary and the library's own selects.

    python -m benchmarks.replay [--events 200000] [--rounds 5] [--json FILE]

Ours: pages of 5,000 rows by position, decoded into typed events. Rows: the same without decoding. COPY: the server's
fastest way to hand out the same columns, thrown away unread. Library: `select_notifications` in sections of 500, its
rows as Notifications, not decoded.
"""

import argparse
import asyncio
import tempfile
import time
from functools import partial
from pathlib import Path
from uuid import uuid4

import psycopg

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.following import AFTER
from adapters.postgres.loader import COLUMNS, recorded
from adapters.postgres.log import PostgresLog
from adapters.postgres.migrations import migrate
from adapters.postgres.recorder import ledger_environment
from application.log import Ledger
from application.ports import Append, Change
from benchmarks.support import results
from benchmarks.support.events import push_approved
from benchmarks.support.rounds import Contestant, Measure, Rounds, as_json, interleave, median, ratio

_PAGE = 5_000
_PER_COMMAND = 20


async def fill(dsn: str, events: int) -> None:
    """Streams of twenty events."""
    async with PostgresLog(dsn) as log:
        pending = [_command() for _ in range(events // _PER_COMMAND)]
        for start in range(0, len(pending), 500):
            await asyncio.gather(*(log.append(each) for each in pending[start : start + 500]))


def _command() -> Append:
    stream = uuid4()
    change = Change(stream_id=stream, expected_version=0, events=(push_approved(stream),) * _PER_COMMAND)
    return Append(command_id=uuid4(), body_sha256=bytes(32), changes=(change,))


def rows(dsn: str, *, typed: bool) -> Measure:
    """Everything, page by page."""
    started, position, count = time.perf_counter(), 0, 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.cursor(binary=True)
        while page := cursor.execute(AFTER.encode(), [position, _PAGE], prepare=True).fetchall():
            position, count = page[-1][0], count + len(page)
            if typed:
                [recorded(row) for row in page]
    return Measure(count / (time.perf_counter() - started))


def copy(dsn: str, events: int) -> Measure:
    """The same columns as COPY binary."""
    started = time.perf_counter()
    query = f"COPY (SELECT {COLUMNS} FROM ledger.events ORDER BY notification_id) TO STDOUT (FORMAT binary)"
    with psycopg.connect(dsn) as connection, connection.cursor().copy(query.encode()) as data:
        for _ in data:
            pass
    return Measure(events / (time.perf_counter() - started))


def library(ledger: Ledger, events: int) -> Measure:
    """The library's selects, in sections of 500."""
    started, position = time.perf_counter(), 0
    while page := ledger.recorder.select_notifications(position, 500, inclusive_of_start=False):
        position = page[-1].id
    return Measure(events / (time.perf_counter() - started))


def measure(server: EmbeddedPostgres, events: int, rounds: int) -> Rounds:
    """Rounds of everything."""
    migrate(server.dsn("certferry_owner"))
    asyncio.run(fill(server.dsn(), events))
    with psycopg.connect(server.dsn("certferry_owner"), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) ledger.events")
    with Ledger(env=dict(ledger_environment(server.dsn()))) as ledger:
        contestants: dict[str, Contestant] = {
            "ours": partial(rows, server.dsn(), typed=True),
            "rows": partial(rows, server.dsn(), typed=False),
            "COPY": partial(copy, server.dsn(), events),
            "library": partial(library, ledger, events),
        }
        return interleave(contestants, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory) / "pg") as server:
        rounds = measure(server, arguments.events, arguments.rounds)
    lines = [
        [name, f"{found.per_second:,.0f}", ratio(rounds, "ours", name)]
        for name in rounds[0]
        if (found := median(rounds, name))
    ]
    print(results.table(["replay", "events/s", "ours over it"], lines))
    results.write(arguments.json, "replay", {"rounds": as_json(rounds)})


if __name__ == "__main__":
    main()
