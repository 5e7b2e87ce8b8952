"""The inventory with a million certificates: how long its pages take, whatever they are narrowed to.

    python -m benchmarks.inventory [--certificates 1000000] [--requests 20] [--rounds 3] [--directory DIR] [--json FILE]

The events of all certificates are copied into the ledger (benchmarks.support.large); a real worker makes the read
models of them, in bulk, the past included; a real service answers. Each question is asked over HTTP, every time with
another value where it has one; the time is that of the whole answer, from request to last byte. Beside it, in the
same rounds, the same question as of the last position, and what Lemur asks its database for a search by name
(benchmarks.support.lemur). Target: p95 of everything below 100 ms; as of a position at most 3 times the page of now.
With a directory, the database is kept there, and the next run goes on with it.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import OK, HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import psycopg

from adapters.postgres.embedded import EmbeddedPostgres
from benchmarks.as_of import Service, certferry, serving
from benchmarks.startup import environment_of
from benchmarks.support import results
from benchmarks.support.large import OWNERS, SERVICES, TARGETS, inventory, target_id
from benchmarks.support.lemur import Search, lemur
from benchmarks.support.lives import record
from benchmarks.support.rounds import Ratio, percentile
from domain import ids
from projections.rows import Cursor

API = "/api/v1/certificates"
Asking = Callable[[int], str]


class Browser(NamedTuple):
    """Somebody who looks at pages, with the cookie of a session."""

    connection: HTTPConnection
    cookie: str

    @classmethod
    def of(cls, service: Service) -> "Browser":
        """Of the same person, over the same connection."""
        form = urlencode({"token": service.token, "next": "/"})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        service.connection.request("POST", "/login", form, headers)
        answer = service.connection.getresponse()
        answer.read()
        cookies = [value.split(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"]
        return cls(service.connection, "; ".join(cookies))

    def get(self, path: str) -> bytes:
        """The body of a page; fails for any other status than 200."""
        self.connection.request("GET", path, headers={"Cookie": self.cookie, "Accept": "text/html"})
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != OK:
            raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
        return body


class Times(NamedTuple):
    """Seconds of one question in one round: as of now, and as of the last position."""

    now: list[float]
    past: list[float]


def questions(certificates: int) -> dict[str, Asking]:
    """What is asked for the n-th time."""
    behind = Cursor("not_after", "2099-01-01T00:00:00+00:00", ids.derive("certificate", 0)).encode()
    middle = Cursor(
        "not_after", f"{datetime.now(UTC) + timedelta(days=200):%Y-%m-%dT%H:%M:%S+00:00}", UUID(int=0)
    ).encode()
    fixed = {"first page": "", "deep page": f"cursor={middle}", "page behind the end": f"cursor={behind}"}
    fixed |= {f"sorted by {sort}": f"sort={sort}" for sort in SORTS} | FILTERS
    fixed |= {f"{name}, by name": f"{query}&sort=common_name" for name, query in FILTERS.items()}
    fixed |= {f"{name}, newest": f"{query}&sort=-created" for name, query in FILTERS.items()}
    return {name: partial(_always, f"{API}?limit=50&{query}") for name, query in fixed.items()} | {
        "q: one certificate": lambda n: f"{API}?q=-{_scattered(n, certificates)}.zone",
        "q: end of a number": lambda n: f"{API}?q={_scattered(n, certificates) % 1000:03}.zone",
        "q: of a target system": lambda n: f"{API}?q=api&target_system_id={target_id(n % TARGETS)}",
        "owner": lambda n: f"{API}?owner=team-{n % OWNERS}",
        "tag of 200": lambda n: f"{API}?tag=service-{n % SERVICES}",
        "owner and tag": lambda n: f"{API}?owner=team-{n % OWNERS}&tag=pci",
        "owner, source, usage, colour": lambda n: (
            f"{API}?owner=team-{n % OWNERS}&source=managed&usage=server&colour=blue"
        ),
        "target system": lambda n: f"{API}?target_system_id={target_id(n % TARGETS)}",
        "HTML: first page": partial(_always, "/certificates"),
        "HTML: q": partial(_always, "/certificates?q=kiosk"),
    }


def _always(path: str, _: int) -> str:
    return path


def _scattered(n: int, certificates: int) -> int:
    return (n * 7919 + 13) % certificates


SORTS = ("not_after", "-not_after", "common_name", "-common_name", "created", "-created")
FILTERS = {
    "q: 20,000": "q=kiosk",
    "q: 100,000": "q=metrics",
    "q: 10": "q=lighthouse",
    "q: none": "q=zebrafish",
    "q: nearly all": "q=example.com",
    "q: two letters": "q=zq",
    "q: one letter": "q=%C3%A9",
    "status active": "status=active",
    "status expired": "status=expired",
    "status revoked": "status=revoked",
    "status not yet valid": "status=not_yet_valid",
    "status revoked or expired": "status=revoked&status=expired",
    "source discovered": "source=discovered",
    "provider local_pki": "provider=local_pki",
    "provider none": "provider=none",
    "provider acme (none)": "provider=acme",
    "usage client": "usage=client",
    "usage both (none)": "usage=both",
    "colour green": "colour=green",
    "colour orange": "colour=orange",
    "colour red": "colour=red",
    "colour black": "colour=black",
    "sync unknown": "sync=unknown",
    "sync out of sync (none)": "sync=out_of_sync",
    "private key": "has_private_key=true",
    "no private key": "has_private_key=false",
    "issuer": "issuer=Device",
    "issuer, rare": "issuer=forgotten",
    "issuer (none)": "issuer=nobody",
    "expires within 7 days": "expires_within=7d",
    "rare tag, issuer, source": "tag=pci&issuer=forgotten&source=managed",
    "20,000, black": "q=kiosk&colour=black",
    "20,000, discovered, red": "q=kiosk&source=discovered&colour=red",
    "discovered, orange": "source=discovered&colour=orange",
    "discovered, key (none)": "source=discovered&has_private_key=true",
}


@contextmanager
def estate(certificates: int, kept: Path | None) -> Iterator[tuple[EmbeddedPostgres, Service, int]]:
    """A service over so many certificates, and the last position."""
    with tempfile.TemporaryDirectory() as temporary, EmbeddedPostgres((kept or Path(temporary)) / "pg") as server:
        environment = environment_of(server, kept or Path(temporary))
        certferry(environment, "migrate")
        started = time.monotonic()
        position = _last_position(server) or record(
            server.dsn("certferry_owner"), inventory(certificates), certificates
        )
        recorded = time.monotonic()
        print(f"{position:,} events in {recorded - started:.0f} s; building the read models ...", file=sys.stderr)
        with serving({**os.environ, **environment}) as service:
            print(f"ready after {time.monotonic() - recorded:.0f} s", file=sys.stderr)
            yield server, service, position


def _last_position(server: EmbeddedPostgres) -> int:
    with psycopg.connect(server.dsn("certferry_owner")) as connection:
        row = connection.execute("SELECT position FROM ledger.head").fetchone()
    return int(row[0]) if row else 0


def measured(
    service: Service, asked: Mapping[str, Asking], position: int, requests: int, first: int
) -> dict[str, Times]:
    """One round: every question, as of now and as of the last position in turns."""
    found: dict[str, Times] = {}
    browser = Browser.of(service)
    for name, path in asked.items():
        times = found[name] = Times([], [])
        for number in range(first, first + requests):
            now = path(number)
            past = f"{now}{'&' if '?' in now else '?'}as_of_position={position}"
            is_page = name.startswith("HTML")
            times.now.append(_seconds(browser if is_page else service, now))
            if not is_page:
                times.past.append(_seconds(service, past))
    return found


def _seconds(asking: Service | Browser, path: str) -> float:
    started = time.perf_counter()
    asking.get(path)
    return time.perf_counter() - started


def beside(search: Search, service: Service, terms: Sequence[str]) -> list[tuple[float, float]]:
    """Seconds of Lemur's statements, and of our whole answer over HTTP, term by term."""
    found = []
    for term in terms:
        started = time.perf_counter()
        search(term)
        theirs = time.perf_counter() - started
        found.append((theirs, _seconds(service, f"{API}?q={term}&sort=-created")))
    return found


def table(rounds: Sequence[Mapping[str, Times]]) -> str:
    """Milliseconds of all rounds together, the slowest question last; ratios are those of the rounds' medians."""
    lines = []
    for name in rounds[0]:
        now = [value for each in rounds for value in each[name].now]
        past = [value for each in rounds for value in each[name].past]
        line: list[Any] = [name, _ms(now, 0.5), _ms(now, 0.95), "", ""]
        if past:
            ratios = [statistics.median(each[name].past) / statistics.median(each[name].now) for each in rounds]
            line[3:] = [_ms(past, 0.95), Ratio(statistics.median(ratios), min(ratios), max(ratios))]
        lines.append((percentile(now, 0.95), line))
    lines.sort(key=lambda each: each[0])
    heads = ["question", "p50, ms", "p95, ms", "as of a position: p95, ms", "past/now"]
    return results.table(heads, [line for _, line in lines])


def _ms(values: Sequence[float], fraction: float) -> str:
    return f"{1000 * percentile(values, fraction):.1f}"


TERMS = ("lighthouse", "kiosk", "metrics", "zebrafish", "portal-123456")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--certificates", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with estate(arguments.certificates, arguments.directory) as (server, service, position):
        asked = questions(arguments.certificates)
        with psycopg.connect(server.dsn("postgres", "certferry"), autocommit=True) as connection:
            search, trigrams = lemur(connection)
            connection.execute("VACUUM (ANALYZE)")
            rounds, pairs = [], []
            for number in range(arguments.rounds + 1):
                first = number * arguments.requests
                service.connection.close()  # what comes first opens another one
                done = measured(service, asked, position, arguments.requests, first)
                compared = beside(search, service, TERMS)
                if number:  # the first round warms up
                    rounds.append(done)
                    pairs.append(compared)
    print(f"{arguments.certificates:,} certificates\n\n{table(rounds)}")
    print(f"\nLemur's statements {'with' if trigrams else 'without'} pg_trgm, beside our whole answer:\n")
    lines = []
    for place, term in enumerate(TERMS):
        found = [each[place] for each in pairs]
        ratios = [theirs / mine for theirs, mine in found]
        times = [f"{1000 * statistics.median(each):.1f}" for each in zip(*found, strict=True)]
        lines.append([term, *times, Ratio(statistics.median(ratios), min(ratios), max(ratios))])
    print(results.table(["term", "Lemur, ms", "ours, ms", "Lemur/ours"], lines))
    results.write(
        arguments.json, "inventory", {"certificates": arguments.certificates, "rounds": rounds, "lemur": pairs}
    )


if __name__ == "__main__":
    main()
