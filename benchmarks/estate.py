"""A verification run over a whole estate: PostgreSQL (fsync on), a worker of its own, real servers on loopback.

    python -m benchmarks.estate [--connectors 1000] [--endpoints 10] [--runs 3] [--json FILE]

Every connector has so many endpoints of 127/8, all served by one nginx with the certificate that was pushed. In the
first run every result is an event, the first one after its push; in the others nothing changed. Seconds by the clock
from the command until the run can be read as completed (of processors by who spent them), and until all that follows
from its events was done: whether an alert is to be raised or resolved.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg

from adapters.bootstrap import open_core
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.settings import load_settings
from application.importing import ImportCertificate, import_certificate
from application.verifying import start_run
from benchmarks.support import results
from benchmarks.support.bulk import Estate, built, worker_at
from benchmarks.support.deploying import open_yard, person
from benchmarks.support.probing import endpoints as addresses
from benchmarks.verifying import serve

_SETTINGS = {
    "CERTFERRY_VERIFICATION__ALLOW": "127.0.0.0/8",
    "CERTFERRY_VERIFICATION__EVERY": "3600",
    "CERTFERRY_VERIFICATION__GRACE": "0",
}
_FOLLOWING = """
SELECT count(*) FROM procrastinate.procrastinate_jobs
WHERE status IN ('todo', 'doing') AND (scheduled_at IS NULL OR scheduled_at <= now())
"""
_STATE = "SELECT completed, convert_from(doc, 'UTF8')::jsonb -> 'counts' FROM read.verification_runs WHERE id = %s"


async def deployed(estate: Estate, served: Path, port: int, connectors: int, each: int) -> None:
    """What nginx serves is imported, and pushed to so many connectors."""
    yard, core = await open_yard(estate), estate.core
    chain, key = (served / "chain.pem").read_text(), (served / "key.pem").read_text()
    wish = ImportCertificate(certificate_pem=chain, private_key_pem=key)
    made = (await import_certificate(core.house, person(), core.reader, wish)).result.id
    places = addresses(0, connectors * each, port)
    await yard.connect(made, [tuple(places[n * each : (n + 1) * each]) for n in range(connectors)])
    await yard.deploy_to_all(made, connectors)
    await _quiet(estate)


async def verified(estate: Estate) -> dict[str, Any]:
    """One run, carried out by the worker."""
    head, before, began = await estate.core.house.log.head(), estate.processor(), time.perf_counter()
    run = (await start_run(estate.core.house, person(), None, trigger="user")).result.id
    counts = None
    while counts is None:
        await asyncio.sleep(0.05)
        row = await (await estate.watching.execute(_STATE, [run])).fetchone()
        counts = row[1] if row and row[0] else None
    seconds, after = time.perf_counter() - began, estate.processor()
    events = await estate.core.house.log.head() - head
    spent = {name: after[name] - before[name] for name in after if name in estate.pids}
    await _quiet(estate)
    told = time.perf_counter() - began
    return {"seconds": seconds, "told": told, "events": events, "processor": spent, "counts": counts}


async def _quiet(estate: Estate) -> None:
    """Until nothing follows any more from what happened: alerts are judged after each event."""
    while True:
        row = await (await estate.watching.execute(_FOLLOWING)).fetchone()
        if not row or not row[0]:
            return
        await asyncio.sleep(0.2)


async def measure(
    environment: Mapping[str, str], dsn: str, pids: dict[str, int], given: argparse.Namespace
) -> list[dict[str, Any]]:
    """The estate, then its runs."""
    with patch.dict(os.environ, environment):
        settings = load_settings()
    with tempfile.TemporaryDirectory(prefix="certferry-estate-") as name:
        process, port, _ = serve(Path(name))
        try:
            async with (
                await psycopg.AsyncConnection.connect(dsn, autocommit=True) as watching,
                open_core(settings) as core,
            ):
                await built(watching)
                estate = Estate(core, watching, pids)
                await deployed(estate, Path(name), port, given.connectors, given.endpoints)
                return [await verified(estate) for _ in range(given.runs)]
        finally:
            process.terminate()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connectors", type=int, default=1000)
    parser.add_argument("--endpoints", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with (
        patch.dict(os.environ, _SETTINGS),
        tempfile.TemporaryDirectory() as home,
        EmbeddedPostgres(Path(home) / "pg") as server,
        worker_at(server, Path(home)) as (environment, pids),
    ):
        done = asyncio.run(measure(environment, server.dsn("postgres", "certferry"), pids, given))
    names = list(done[0]["processor"])
    rows: list[list[object]] = []
    for number, run in enumerate(done, start=1):
        spent = [f"{run['processor'][name]:.1f}" for name in names]
        rows.append([number, f"{run['seconds']:.1f}", f"{run['told']:.1f}", run["events"], *spent, run["counts"]])
    heads = ["run", "seconds", "all told, s", "events", *(f"{name}, s" for name in names), "results"]
    print(results.table(heads, rows))
    results.write(given.json, "estate", {"runs": done})


if __name__ == "__main__":
    main()
