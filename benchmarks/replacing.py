"""A mass replacement: a tenth of the 83,267 certificates that a real mass revocation (July 2024) had a day for.

    python -m benchmarks.replacing [--certificates 8327] [--json FILE]

The estate is ordered first (not measured). Then all of it is replaced as one operation: asked for, planned, ordered,
issued, linked, every event durable, every successor in the inventory, the operation complete. Worker and PostgreSQL are
processes of their own; the pace is set so high that it does not matter. Reported: seconds, processor time, and what the
whole would take.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch
from uuid import UUID

import psycopg

from adapters.bootstrap import Core, open_core
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.settings import load_settings
from application.replacing import ReplaceCertificates, request_replacement
from benchmarks.support import results
from benchmarks.support.bulk import Bulk, Estate, built, order_many, worker_at
from benchmarks.support.orders import context
from domain.replacement import ReplacementStatus
from domain.replacement_criteria import ReplacementCriteria

_WHOLE = 83_267
_PATIENCE_SECONDS = 3_600.0
_UNBOUNDED = {"CERTFERRY_REPLACEMENT__PER_MINUTE": "1000000", "CERTFERRY_REPLACEMENT__UNDER_WAY": "2000"}


class Replaced(NamedTuple):
    """What it took, and how many have failed."""

    bulk: Bulk
    failed: int


async def replace_all(estate: Estate, count: int) -> Replaced:
    """From the request to its end."""
    before, started = estate.processor(), time.perf_counter()
    wish = ReplaceCertificates(criteria=ReplacementCriteria(q="example.org"), reason="measured")
    done = await request_replacement(estate.core.house, context(), estate.core.issuers, wish)
    failed = await _ended(estate.core, done.result.id)
    seconds, after = time.perf_counter() - started, estate.processor()
    return Replaced(Bulk(count, seconds, {name: after[name] - before[name] for name in after}), failed)


async def _ended(core: Core, replacement_id: UUID) -> int:
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        await asyncio.sleep(1.0)
        found = await core.views.replacements.get(replacement_id)
        if found is not None and found.row.state.status is ReplacementStatus.COMPLETED:
            return found.figures.failed
    raise RuntimeError("it did not end")


async def _run(environment: Mapping[str, str], dsn: str, pids: dict[str, int], count: int) -> Replaced:
    with patch.dict(os.environ, environment):
        settings = load_settings()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as watching, open_core(settings) as core:
        await built(watching)
        estate = Estate(core, watching, pids)
        await order_many(estate, count)
        return await replace_all(estate, count)


def measure(count: int) -> Replaced:
    """On an installation of its own."""
    with (
        patch.dict(os.environ, _UNBOUNDED),
        tempfile.TemporaryDirectory() as home,
        EmbeddedPostgres(Path(home) / "pg") as server,
        worker_at(server, Path(home)) as (environment, pids),
    ):
        return asyncio.run(_run(environment, server.dsn("postgres", "certferry"), pids, count))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--certificates", type=int, default=8_327)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    done = measure(given.certificates)
    bulk = done.bulk
    whole = bulk.seconds * _WHOLE / bulk.orders / 60
    rows: list[list[Any]] = [
        ["certificates", f"{bulk.orders:,}"],
        ["not replaced", done.failed],
        ["seconds", f"{bulk.seconds:,.1f}"],
        ["certificates/s", f"{bulk.orders / bulk.seconds:,.0f}"],
        *([f"{name}, us each", f"{1e6 * seconds / bulk.orders:,.0f}"] for name, seconds in bulk.processor.items()),
        [f"all {_WHOLE:,}, minutes", f"{whole:,.1f}"],
    ]
    print(results.table(["", ""], rows))
    results.write(given.json, "replacing", {"failed": done.failed, "minutes_for_all": whole, **bulk._asdict()})


if __name__ == "__main__":
    main()
