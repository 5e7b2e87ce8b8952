"""The past against the present: how much longer a page, or an answer, takes as of a moment than as of now.

    python -m benchmarks.as_of [--events 1000000] [--requests 100] [--rounds 5] [--json FILE]

The ledger holds a year of an estate whose certificates were pushed again and again (benchmarks.support.lives); worker
and service are the real ones, each a process of its own. Every question is asked in turns: as of now, and as of
positions at a quarter, the half and three quarters of the year; the medians of a round are compared. Target: at most 3
times at 1,000,000 events.
"""

import argparse
import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from adapters.postgres.embedded import EmbeddedPostgres
from benchmarks.startup import CERTFERRY, environment_of, free_port
from benchmarks.support import results
from benchmarks.support.lives import lives, per_certificate, record
from benchmarks.support.rounds import Ratio
from domain import ids

_PUSHES = 5
_MOMENTS = (0.25, 0.5, 0.75)
_PATIENCE_SECONDS = 1800
_API = "/api/v1"


class Service(NamedTuple):
    """A service that runs, and somebody who may read everything."""

    port: int
    token: str
    connection: http.client.HTTPConnection

    def get(self, path: str, accept: str = "application/json") -> bytes:
        """The body of an answer; fails for any other status than 200."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": accept}
        self.connection.request("GET", path, headers=headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
        return body


def questions(number: int) -> dict[str, str]:
    """What is asked about the estate and about one certificate."""
    certificate, connector = ids.derive("certificate", number), ids.derive("connector", number)
    return {
        "inventory": "/certificates?limit=50",
        "inventory, searched": f"/certificates?limit=50&q=host{number}",
        "inventory, by colour": "/certificates?limit=50&colour=green",
        "certificate": f"/certificates/{certificate}",
        "its connectors": f"/certificates/{certificate}/connectors",
        "its topology": f"/certificates/{certificate}/topology",
        "its work orders": f"/work-orders?certificate_id={certificate}",
        "connector": f"/connectors/{connector}",
        "work orders": "/work-orders?limit=50",
        "target systems": "/target-systems?limit=50",
        "bridges": "/bridges",
        "push validation report": "/reports/push-validation",
    }


class Pair(NamedTuple):
    """Milliseconds that a question takes, the median of a round."""

    now: float
    past: float


def measured(service: Service, number: int, positions: Sequence[int], requests: int) -> dict[str, Pair]:
    """One round: every question, as of now and as of a moment in turns."""
    found = {}
    for name, path in questions(number).items():
        now: list[float] = []
        past: list[float] = []
        for turn in range(requests):
            mark = "&" if "?" in path else "?"
            position = positions[turn % len(positions)]
            now.append(_seconds(service, path))
            past.append(_seconds(service, f"{path}{mark}as_of_position={position}"))
        found[name] = Pair(1000 * statistics.median(now), 1000 * statistics.median(past))
    return found


def _seconds(service: Service, path: str) -> float:
    started = time.perf_counter()
    service.get(_API + path)
    return time.perf_counter() - started


@contextlib.contextmanager
def serving(environment: Mapping[str, str]) -> Iterator[Service]:
    """Worker and API over a ledger; ready when both lines of read models have its last event."""
    token = json.loads(certferry(environment, "tokens", "create", "auditor", "--role", "auditor", "--json"))["token"]
    port = free_port()
    with contextlib.ExitStack() as stack:
        for arguments in (("work",), ("serve", "--port", str(port))):
            process = subprocess.Popen([*CERTFERRY, *arguments], env=environment, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        stack.callback(connection.close)
        service = Service(port, token, connection)
        until_built(environment["CERTFERRY_DATABASE__DSN"])
        _until_ready(service)
        yield service


def certferry(environment: Mapping[str, str], *arguments: str) -> str:
    return subprocess.run([*CERTFERRY, *arguments], env=environment, check=True, capture_output=True, text=True).stdout


def until_built(dsn: str) -> None:
    """Return once both lines of read models have the last event; asked of the database, which tells at once."""
    query = "SELECT min(p.position) FROM (SELECT position FROM read.positions UNION ALL SELECT position FROM "
    query += "read.history_positions) p"
    end = time.monotonic() + _PATIENCE_SECONDS
    with psycopg.connect(dsn, autocommit=True) as connection:
        while time.monotonic() < end:
            with contextlib.suppress(psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
                [head] = connection.execute("SELECT position FROM ledger.head").fetchone() or (0,)
                [built] = connection.execute(query.encode()).fetchone() or (0,)
                if built is not None and built >= head:
                    connection.execute("VACUUM (ANALYZE)")
                    return
            time.sleep(0.5)
    raise RuntimeError("the read models were not built in time")


def _until_ready(service: Service) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError, RuntimeError, http.client.HTTPException):
            service.get("/readyz")
            return
        service.connection.close()
        time.sleep(0.2)
    raise RuntimeError("the service did not become ready")


def run(events: int, requests: int, rounds: int) -> tuple[int, list[dict[str, Pair]]]:
    """How many events there are, and what each round took."""
    with tempfile.TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory) / "pg") as server:
        environment = environment_of(server, Path(directory))
        certferry(environment, "migrate")
        certificates = max(1, events // per_certificate(_PUSHES))
        position = record(server.dsn("certferry_owner"), lives(certificates, _PUSHES), events)
        print(f"{position:,} events of {certificates:,} certificates; building the read models ...", file=sys.stderr)
        positions = [int(position * part) for part in _MOMENTS]
        with serving({**os.environ, **environment}) as service:
            done = [measured(service, n % certificates, positions, requests) for n in range(rounds + 1)]
        return position, done[1:]


def table(done: Sequence[Mapping[str, Pair]]) -> str:
    """The ratios, the slowest question last."""
    lines: list[tuple[Ratio, list[Any]]] = []
    for name in done[0]:
        pairs = [each[name] for each in done]
        ratios = [pair.past / pair.now for pair in pairs]
        found = Ratio(statistics.median(ratios), min(ratios), max(ratios))
        now, past = (statistics.median(values) for values in zip(*pairs, strict=True))
        lines.append((found, [name, f"{now:.1f}", f"{past:.1f}", found]))
    lines.sort(key=lambda line: line[0].median)
    return results.table(["question", "now, ms", "as of a moment, ms", "ratio"], [line for _, line in lines])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    events, done = run(arguments.events, arguments.requests, arguments.rounds)
    print(f"{events:,} events\n\n{table(done)}")
    results.write(arguments.json, "as_of", {"events": events, "rounds": done})


if __name__ == "__main__":
    main()
