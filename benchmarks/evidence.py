"""Trusting nobody, how long it takes: `certferry verify` over a whole ledger, and an archive of it.

    python -m benchmarks.evidence [--events 1000000] [--rounds 3] [--directory DIR] [--json FILE]

The ledger is a year of an estate (benchmarks.support.lives), sealed by a real sealer, with the read models that a real
worker made. Verifying is the command, as a process: the ledger alone, and with every row of the read models, past ones
too, compared with a replay. Beside them SHA-256 over the same salts, payloads and leaves, read from the server in the
same pages. An archive of all events (at most a million) in MB of leaves and payloads per second, beside `COPY` of the
same columns. With a directory, the database is kept there, and the next run goes on with it.
"""

import argparse
import asyncio
import hashlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import LiteralString

import psycopg

from adapters.evidence.making import PostgresEvidence
from adapters.keys.subjects import Subjects
from adapters.postgres import raw
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.sealing.keyring import Keyring
from adapters.sealing.sealer import Sealer
from adapters.simulated.subjects import MemorySubjectKeys
from benchmarks.as_of import until_built
from benchmarks.startup import CERTFERRY, environment_of
from benchmarks.support import results
from benchmarks.support.lives import lives, per_certificate, record
from benchmarks.support.rounds import Measure, as_json, interleave, median, ratio
from projections.push_validation.postgres import PostgresPushValidation
from projections.reading.postgres import Reader, reading_pool

_PUSHES = 5
_COPY = "COPY (SELECT leaf, salt, state FROM ledger.events WHERE notification_id <= %s) TO STDOUT (FORMAT binary)"


def seal(dsn: str, keys: Path) -> None:
    """Seal everything there is."""
    ring = Keyring(keys)
    ring.make("benchmark.example/ledger")
    with psycopg.connect(dsn, autocommit=True) as connection:
        sealer = Sealer(connection, ring)
        while sealer.turn().more:
            pass


def build(environment: Mapping[str, str]) -> None:
    """Let a worker make all read models, then end it."""
    worker = subprocess.Popen([*CERTFERRY, "work"], env=environment, stderr=subprocess.DEVNULL)
    try:
        until_built(environment["CERTFERRY_DATABASE__DSN"])
    finally:
        worker.terminate()
        worker.wait()


def verifying(environment: Mapping[str, str], events: int, *options: str) -> Measure:
    """The command, from its start to its end."""
    started = time.perf_counter()
    subprocess.run([*CERTFERRY, "verify", "--json", *options], env=environment, check=True, capture_output=True)
    return Measure(events / (time.perf_counter() - started))


def hashing(dsn: str, events: int) -> Measure:
    """Read the rows, and hash their bytes: nothing else."""
    started = time.perf_counter()
    with raw.connect_raw(dsn, "benchmark") as connection:
        for page in raw.pages(connection, 0, events):
            for event in page:
                hashlib.sha256(event.salt + event.payload).digest()
                hashlib.sha256(b"\0" + event.leaf).digest()
    return Measure(events / (time.perf_counter() - started))


def exporting(dsn: str, events: int, octets: int) -> Measure:
    """An archive of everything, in a file."""

    async def export() -> None:
        async with reading_pool(dsn) as pool:
            texts = Subjects(MemorySubjectKeys(), b"names")
            made = await PostgresEvidence(dsn, PostgresPushValidation(Reader(pool)), texts).range(1, events)
            await made.discard()

    return _octets(octets, lambda: asyncio.run(export()))


def copying(dsn: str, events: int, octets: int) -> Measure:
    """The same columns, as the server gives them."""

    def copy() -> None:
        with psycopg.connect(dsn) as connection, connection.cursor().copy(_COPY, [events]) as rows:
            for _ in rows:
                pass

    return _octets(octets, copy)


def _octets(octets: int, work: Callable[[], None]) -> Measure:
    started = time.perf_counter()
    work()
    return Measure(octets / (time.perf_counter() - started))


@contextmanager
def estate(events: int, kept: Path | None) -> Iterator[tuple[EmbeddedPostgres, Mapping[str, str]]]:
    """A sealed ledger of at least so many events with its read models, at rest."""
    with tempfile.TemporaryDirectory() as temporary, EmbeddedPostgres((kept or Path(temporary)) / "pg") as server:
        directory = kept or Path(temporary)
        environment = environment_of(server, directory)
        subprocess.run([*CERTFERRY, "migrate"], env=environment, check=True, capture_output=True)
        with psycopg.connect(server.dsn("postgres", "certferry"), autocommit=True) as connection:
            if not _one(connection, "SELECT position FROM ledger.head"):
                certificates = max(1, events // per_certificate(_PUSHES))
                record(server.dsn("certferry_owner"), lives(certificates, _PUSHES), events)
                seal(server.dsn("certferry_sealer"), directory / "keys")
            build(environment)
            connection.execute("VACUUM (ANALYZE)")  # this and the next: what the server would else do meanwhile
            connection.execute("CHECKPOINT")
        yield server, environment


def _one(connection: psycopg.Connection[tuple[int, ...]], query: LiteralString) -> int:
    [found] = connection.execute(query).fetchone() or (0,)
    return int(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with estate(given.events, given.directory) as (server, environment):
        dsn = server.dsn("certferry_app")
        with psycopg.connect(dsn) as connection:
            events = _one(connection, "SELECT position FROM ledger.head")
            octets = _one(connection, "SELECT sum(length(leaf) + length(salt) + length(state)) FROM ledger.events")
        whole = min(events, 1_000_000)
        share = octets * whole // events
        verify = interleave(
            {
                "SHA-256 alone": partial(hashing, dsn, events),
                "verify, ledger only": partial(verifying, environment, events, "--ledger-only"),
                "verify, everything": partial(verifying, environment, events),
            },
            given.rounds,
            0,
        )
        export = interleave(
            {"COPY": partial(copying, dsn, whole, share), "archive": partial(exporting, dsn, whole, share)},
            given.rounds,
            0,
        )
    print(f"{events:,} events, {octets // events} bytes each\n")
    lines = []
    for name in verify[0]:
        found = median(verify, name)
        assert found
        of = ratio(verify, name, "SHA-256 alone")
        lines.append([name, f"{found.per_second:,.0f}", f"{events / found.per_second:.1f}", of])
    print(results.table(["", "events/s", "seconds", "of SHA-256 alone"], lines))
    lines = []
    for name in export[0]:
        found = median(export, name)
        assert found
        lines.append([name, f"{found.per_second / 1e6:,.1f}", ratio(export, name, "COPY")])
    print("\n" + results.table([f"{whole:,} events", "MB/s", "of COPY"], lines))
    rounds = {"verify": as_json(verify), "export": as_json(export)}
    results.write(given.json, "evidence", {"events": events, "octets": octets, "rounds": rounds})


if __name__ == "__main__":
    main()
