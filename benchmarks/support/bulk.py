"""Orders in bulk through the whole service: submitted as the API does it, carried out by a worker of its own.

An order counts once its certificate can be read in the inventory: every event is in the ledger by then (fsync on), the
key is sealed in the vault, the order is complete.
"""

import asyncio
import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import psycopg

from adapters.bootstrap import Core, open_core
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.settings import load_settings
from api.cli.collecting import collect_seldom
from application.ordering import submit_order
from benchmarks.startup import CERTFERRY, environment_of
from benchmarks.support.cpu import seconds_of
from benchmarks.support.orders import context, wish

_AT_ONCE = 64
_PATIENCE_SECONDS = 600.0
_WORKER = (*CERTFERRY, "work")
Order = Callable[[Core], Awaitable[object]]
"""Orders one certificate that nobody has."""


class Bulk(NamedTuple):
    """What a number of orders took: seconds by the clock, seconds of processors by who spent them."""

    orders: int
    seconds: float
    processor: dict[str, float]

    @property
    def per_processor_second(self) -> float:
        """Orders per second of all processor time together."""
        return self.orders / sum(self.processor.values())


class Estate(NamedTuple):
    """A running service without its API: the database, the worker, and the use cases here."""

    core: Core
    watching: psycopg.AsyncConnection[Any]
    pids: dict[str, int]

    def processor(self) -> dict[str, float]:
        """Processor seconds so far."""
        return {"submitting": time.process_time(), **{name: seconds_of(pid) for name, pid in self.pids.items()}}


@contextlib.contextmanager
def worker_at(
    server: EmbeddedPostgres, directory: Path, command: Sequence[str] = _WORKER
) -> Iterator[tuple[Mapping[str, str], dict[str, int]]]:
    """A worker over a fresh ledger; the environment it runs in, and the processes."""
    environment = environment_of(server, directory)
    subprocess.run([*CERTFERRY, "migrate"], env=environment, check=True, capture_output=True)
    worker = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        assert server.pid is not None
        yield environment, {"worker": worker.pid, "PostgreSQL": server.pid}
    finally:
        worker.terminate()
        worker.wait()


async def submit(core: Core) -> object:
    """As the API does it."""
    return await submit_order(core.house, context(), core.issuers, wish())


async def order_many(estate: Estate, count: int, order: Order = submit) -> Bulk:
    """So many orders, 64 at once, until the last certificate can be read."""
    there = await _inventory(estate.watching)
    before, started = estate.processor(), time.perf_counter()
    free = asyncio.Semaphore(_AT_ONCE)

    async def one() -> None:
        async with free:
            await order(estate.core)

    await asyncio.gather(*(one() for _ in range(count)))
    while (found := await _inventory(estate.watching) - there) < count:
        if time.perf_counter() - started > _PATIENCE_SECONDS:
            raise RuntimeError(f"{found} of {count} certificates")
        await asyncio.sleep(0.1 if found < 0.9 * count else 0.01)  # looking costs something, too
    seconds, after = time.perf_counter() - started, estate.processor()
    return Bulk(count, seconds, {name: after[name] - before[name] for name in after})


def measure(counts: Sequence[int], *, command: Sequence[str] = _WORKER, order: Order = submit) -> list[Bulk]:
    """Runs one after another on one installation; the first warms up and is left out."""
    with (
        tempfile.TemporaryDirectory() as home,
        EmbeddedPostgres(Path(home) / "pg") as server,
        worker_at(server, Path(home), command) as (environment, pids),
    ):
        return asyncio.run(_runs(environment, server.dsn("postgres", "certferry"), pids, counts, order))[1:]


async def _runs(
    environment: Mapping[str, str], dsn: str, pids: dict[str, int], counts: Sequence[int], order: Order
) -> list[Bulk]:
    with patch.dict(os.environ, environment):
        settings = load_settings()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as watching, open_core(settings) as core:
        await built(watching)
        return [await order_many(Estate(core, watching, pids), count, order) for count in counts]


async def built(watching: psycopg.AsyncConnection[Any]) -> None:
    """Returns when the worker has built its read models. This process collects garbage as the service does."""
    collect_seldom()
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(psycopg.Error):
            await _inventory(watching)
            return
        await asyncio.sleep(0.1)
    raise RuntimeError("the worker did not build its read models")


async def _inventory(watching: psycopg.AsyncConnection[Any]) -> int:
    [found] = await (await watching.execute("SELECT count(*) FROM read.inventory")).fetchone() or (0,)
    return int(found)
