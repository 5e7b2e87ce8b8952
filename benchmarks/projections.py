"""Read models: events per second against the library's ProjectionRunner, save to visible, rebuild.

    python -m benchmarks.projections [--events 200000] [--rounds 5] [--samples 1000] [--json FILE]

One real projection (work orders: 20 columns, 8 indexes) follows the same ledger from its beginning: ours in bulk, as a
first runner does (projections.load; below 5,000 events in batches), until rows, key and indexes stand and the position
says so; the library's event by event (given three seconds; its states in memory, one upsert and the position per
transaction). Beside it, the processor time of our process and of the server's, and what that allows at most on the
processors there are: how fast ours would be if nobody ever waited. Then all projections over whole pushes: the same,
rebuilding beside, and live, how long after a command was acknowledged its effect can be read.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from eventsourcing.projection import ProjectionRunner

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.log import PostgresLog
from adapters.postgres.migrations import migrate
from adapters.postgres.recorder import ledger_environment
from application import codec
from application.log import Ledger
from application.ports import Append
from benchmarks.support import results
from benchmarks.support.library_projection import LibraryView, WorkOrders
from benchmarks.support.pushes import command, push_of, work_order_of
from benchmarks.support.rounds import Contestant, Measure, Rounds, as_json, interleave, median, percentile, ratio
from projections.catalogue import ALL_PROJECTIONS
from projections.entity import AnyProjection
from projections.lines import LIVE, Line
from projections.position import ReadPosition
from projections.reading.postgres import Reader, reading_pool
from projections.rebuild import rebuild
from projections.runner import Runner
from projections.work_orders.projection import WORK_ORDERS

_LIBRARY_SECONDS = 3.0
_SCHEMA = "library"


async def fill(dsn: str, commands: Sequence[Append]) -> int:
    """Append commands, many at once; answers how many events there are."""
    async with PostgresLog(dsn) as log:
        for start in range(0, len(commands), 500):
            await asyncio.gather(*(log.append(each) for each in commands[start : start + 500]))
        return await log.head()


def forget(dsn: str) -> None:
    """As if no runner had ever been there."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP VIEW IF EXISTS read.position")
        for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'read'").fetchall():
            connection.execute(f"DROP TABLE read.{name}".encode())


@contextlib.asynccontextmanager
async def running(dsn: str, projections: Sequence[AnyProjection], line: Line = LIVE) -> AsyncIterator[Runner]:
    """A runner at work."""
    runner = Runner(dsn, codec.decode, projections, line=line)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def come_to(runner: Runner, position: int) -> None:
    """Returns when it has come that far. Raises RuntimeError for what it failed with: it would begin again for ever."""
    while runner.status.position < position:
        await asyncio.sleep(0.005)
        if runner.status.failure:
            raise RuntimeError(runner.status.failure)


class Cost(NamedTuple):
    """Processor seconds of our process, of the server's processes, and of how many events."""

    ours: float
    server: float
    events: int


def spent(server: EmbeddedPostgres) -> tuple[float, float]:
    """Processor seconds of this process and of the server with all its processes that have ended."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return time.process_time(), sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def cost(server: EmbeddedPostgres, events: int) -> Cost:
    """Of one projection from the beginning of the ledger to its end."""
    return Cost(*taken(server, lambda: ours(server, [WORK_ORDERS], events)), events)


def taken(server: EmbeddedPostgres, work: Callable[[], object]) -> tuple[float, float]:
    """What `spent` tells of some work."""
    before = spent(server)
    work()
    time.sleep(1)  # the server's processes end after their connections
    after = spent(server)
    return after[0] - before[0], after[1] - before[1]


def told(found: Sequence[Cost], library_per_second: float) -> str:
    """A sentence of the medians."""
    mine, theirs = (statistics.median(1e6 * item[n] / item.events for item in found) for n in (0, 1))
    most = 1e6 * (os.cpu_count() or 1) / (mine + theirs)
    return (
        f"processor time per event: ours {mine:.1f} us, the server {theirs:.1f} us; {os.cpu_count()} processors that "
        f"never wait: at most {most:,.0f} events/s, {most / library_per_second:.0f} times the library"
    )


def ours(server: EmbeddedPostgres, projections: Sequence[AnyProjection], events: int) -> Measure:
    """Follow the ledger from its beginning to its end, from the moment of leading on."""
    forget(server.dsn())

    async def follow() -> float:
        async with running(server.dsn(), projections) as runner:
            while not runner.status.leading:
                await asyncio.sleep(0.001)
            started = time.perf_counter()
            await come_to(runner, events)
            return time.perf_counter() - started

    return Measure(events / asyncio.run(follow()))


def library(server: EmbeddedPostgres, events: int) -> Measure:
    """The library's runner for some seconds, from the beginning of the ledger."""
    owner = server.dsn("certferry_owner")
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE".encode())
        connection.execute(f"CREATE SCHEMA {_SCHEMA}".encode())
    own = {"WORKORDERS_POSTGRES_SCHEMA": _SCHEMA, "WORKORDERS_CREATE_TABLE": "y"}
    environment = {**ledger_environment(owner), **own}
    with ProjectionRunner(
        application_class=Ledger, projection_class=WorkOrders, view_class=LibraryView, env=environment
    ) as runner:
        view = runner.projection.view
        while view.events == 0:
            runner.run_forever(timeout=0.001)  # raises what ended the library's thread
        before, started = view.events, time.perf_counter()
        while view.events < events and time.perf_counter() - started < _LIBRARY_SECONDS:
            runner.run_forever(timeout=0.01)
        return Measure((view.events - before) / (time.perf_counter() - started))


def rebuilding(server: EmbeddedPostgres, events: int) -> Measure:
    """All projections, beside, and swapped in."""
    started = time.perf_counter()
    asyncio.run(rebuild(server.dsn(), ALL_PROJECTIONS, codec.decode))
    return Measure(events / (time.perf_counter() - started))


async def latencies(dsn: str, first: int, samples: int) -> list[float]:
    """Seconds from the acknowledgement of a command to the moment its effect can be read, one after the other."""
    found: list[float] = []
    async with (
        PostgresLog(dsn) as log,
        reading_pool(dsn) as pool,
        running(dsn, ALL_PROJECTIONS),
        ReadPosition(dsn, Reader(pool)) as position,
    ):
        assert await position.wait(await log.head(), 60)
        for number in range(first, first + samples):
            saved = await log.append(command(*push_of(number)))
            acknowledged = time.perf_counter()
            assert await position.wait(saved.last_position, 60)
            found.append(time.perf_counter() - acknowledged)
    return found


@contextlib.contextmanager
def ledger_of(make: Callable[[int], Append], count: int) -> Any:
    """A server with a ledger of so many commands, and the number of events."""
    with tempfile.TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory) / "pg") as server:
        migrate(server.dsn("certferry_owner"))
        events = asyncio.run(fill(server.dsn(), [make(number) for number in range(count)]))
        with psycopg.connect(server.dsn("certferry_owner"), autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE) ledger.events")
        yield server, events


def against_the_library(events: int, rounds: int, warm_up: int = 1) -> tuple[Rounds, list[Cost]]:
    """One projection over work orders of four events each."""
    with ledger_of(lambda number: command(work_order_of(number)), events // 4) as (server, count):
        contestants: dict[str, Contestant] = {
            "ours": partial(ours, server, [WORK_ORDERS], count),
            "library": partial(library, server, count),
        }
        done = interleave(contestants, rounds, warm_up)
        return done, [cost(server, count) for _ in range(rounds)]


def with_everything(events: int, rounds: int, samples: int) -> tuple[Rounds, list[float]]:
    """All projections over pushes of ten events each."""
    with ledger_of(lambda number: command(*push_of(number)), events // 10) as (server, count):
        contestants: dict[str, Contestant] = {
            "all, following": partial(ours, server, ALL_PROJECTIONS, count),
            "all, rebuilding": partial(rebuilding, server, count),
        }
        done = interleave(contestants, rounds)
        return done, asyncio.run(latencies(server.dsn(), count, samples))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    one, costs = against_the_library(arguments.events, arguments.rounds)
    everything, visible = with_everything(arguments.events, arguments.rounds, arguments.samples)
    lines: list[list[Any]] = [
        [name, f"{found.per_second:,.0f}", (ratio(rounds, "ours", name) if "ours" in rounds[0] else None) or ""]
        for rounds in (one, everything)
        for name in rounds[0]
        if (found := median(rounds, name))
    ]
    print(results.table(["projections", "events/s", "ours over it"], lines))
    library_per_second = median(one, "library")
    assert library_per_second is not None
    print(f"\n{told(costs, library_per_second.per_second)}")
    p50, p99 = (1000 * percentile(visible, fraction) for fraction in (0.5, 0.99))
    print(f"\nsave to visible, all projections: p50 {p50:.1f} ms, p99 {p99:.1f} ms ({len(visible)} commands)")
    rounds = {"one": as_json(one), "everything": as_json(everything)}
    results.write(arguments.json, "projections", {"rounds": rounds, "visible_ms": {"p50": p50, "p99": p99}})


if __name__ == "__main__":
    main()
