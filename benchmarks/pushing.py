"""Deploy to All: seconds until it is accepted and until every work order has ended; what a push costs among many.

    python -m benchmarks.pushing [--connectors 100 1000] [--rounds 3] [--json FILE]

The service without its API: PostgreSQL (fsync on), a worker as a process of its own, the use cases and one bridge here;
the bridge writes nothing, so that what is measured is ours. Approvals are left out (a policy of no level, so pushes
begin while others are still being accepted), and so is verification, which comes round every five minutes, whatever was
pushed. Then what is accepted waits for two people, as it does by default. Targets: a push costs as much processor time
among ten times as many (+-20 %); 10,000 are accepted in less than 2 s.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

import psycopg

from adapters.bootstrap import open_core
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.settings import load_settings
from benchmarks.support import results
from benchmarks.support.bulk import Estate, built, worker_at
from benchmarks.support.deploying import Deployed, open_yard
from domain.approval import DEFAULT_PUSH

_NO_VERIFICATION = {"CERTFERRY_VERIFICATION__EVERY": "3600"}


async def measure(
    environment: Mapping[str, str], dsn: str, pids: dict[str, int], counts: Sequence[int]
) -> tuple[list[Deployed], list[float]]:
    """One Deploy to All for each count, each of a certificate of its own, the first warms up; then seconds until one
    that waits for two people is accepted.
    """
    with patch.dict(os.environ, environment):
        settings = load_settings()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as watching, open_core(settings) as core:
        await built(watching)
        yard, done = await open_yard(Estate(core, watching, pids)), []
        for connectors in (min(counts), *counts):
            certificate_id = await yard.certificate(connectors)
            done.append(await yard.deploy_to_all(certificate_id, connectors))
        await yard.ask_people(DEFAULT_PUSH.levels)
        return done[1:], [await yard.accepted(await yard.certificate(count), count) for count in counts]


def run(counts: Sequence[int]) -> tuple[list[Deployed], list[float]]:
    """The same, with a database and a worker of its own."""
    with (
        tempfile.TemporaryDirectory() as home,
        patch.dict(os.environ, _NO_VERIFICATION),
        EmbeddedPostgres(Path(home) / "pg") as server,
        worker_at(server, Path(home)) as (environment, pids),
    ):
        return asyncio.run(measure(environment, server.dsn("postgres", "certferry"), pids, counts))


def row(connectors: int, runs: Sequence[Deployed]) -> list[object]:
    """The medians of the runs of one size."""
    accepted, terminal = (statistics.median(getattr(run, name) for run in runs) for name in ("accepted", "terminal"))
    each = {name: statistics.median(run.processor[name] for run in runs) for name in runs[0].processor}
    shares = [f"{1000 * seconds / connectors:,.2f}" for seconds in each.values()]
    cost = statistics.median(run.processor_ms for run in runs)
    ended = ", ".join(f"{number} {status}" for status, number in runs[-1].ended.items())
    return [f"{connectors:,}", f"{accepted:.2f}", f"{terminal:.1f}", *shares, f"{cost:.2f}", ended]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connectors", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    counts = [count for _ in range(given.rounds) for count in given.connectors]
    done, waiting = run(counts)
    by_count = {count: [run for run in done if run.connectors == count] for count in given.connectors}
    names = [f"{name}, ms" for name in done[0].processor]
    heads = ["connectors", "accepted, s", "all ended, s", *names, "processor ms of a push", "ended"]
    print(results.table(heads, [row(count, runs) for count, runs in by_count.items()]))
    for count in given.connectors:
        seconds = statistics.median(each for of, each in zip(counts, waiting, strict=True) if of == count)
        print(f"\n{count:,} that wait for two people: accepted in {seconds:.2f} s")
    results.write(given.json, "pushing", {"runs": [run._asdict() for run in done], "waiting": waiting})


if __name__ == "__main__":
    main()
