"""What the Merkle leaf costs on the append path: the whole path against the same path without any leaf.

    python -m benchmarks.leaf [--seconds 2] [--rounds 7] [--concurrent 32,64] [--json FILE]

Without: no salted digest and no leaf are made by the client, and `ledger.append` of a second database stores none.
Target: at most 20 % of the speed.
"""

import argparse
import asyncio
import tempfile
from functools import partial
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

import psycopg

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.log import PostgresLog
from adapters.postgres.migrations import migrate
from application import entries
from application.leaf import Description
from benchmarks.append import ours
from benchmarks.support import results
from benchmarks.support.rounds import Contestant, Measure, Rounds, as_json, interleave, median, ratio

_BARE = "without_leaf"
_LEAF = "heads[u.i] || convert_to(',\"version\":' || u.version || ',\"position\":' || u.place || instant, 'UTF8')"


def _no_head(_stream: UUID, _event: Description, _payload: bytes, _salt: bytes) -> bytes:
    return b""


def bare(log: PostgresLog, runner: asyncio.Runner, concurrent: int, seconds: float) -> Measure:
    """The path without a leaf."""
    with patch.object(entries, "leaf_head", _no_head):
        return ours(log, runner, concurrent, seconds)


def _second_database(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_BARE} OWNER certferry_owner")
    owner = server.dsn("certferry_owner", _BARE)
    migrate(owner)
    with psycopg.connect(owner, autocommit=True) as connection:
        found = connection.execute("SELECT pg_get_functiondef('ledger.append'::regproc)").fetchone()
        assert found is not None
        definition: str = found[0]
        assert _LEAF in definition
        connection.execute(definition.replace(_LEAF, "''::bytea").encode())


def measure(server: EmbeddedPostgres, arguments: argparse.Namespace) -> dict[int, Rounds]:
    """Rounds per number of concurrent commands."""
    migrate(server.dsn("certferry_owner"))
    _second_database(server)
    with asyncio.Runner() as runner:
        whole = runner.run(PostgresLog(server.dsn()).open())
        without = runner.run(PostgresLog(server.dsn(database=_BARE)).open())
        found: dict[int, Rounds] = {}
        for concurrent in arguments.concurrent:
            contestants: dict[str, Contestant] = {
                "whole": partial(ours, whole, runner, concurrent, arguments.seconds),
                "without": partial(bare, without, runner, concurrent, arguments.seconds),
            }
            found[concurrent] = interleave(contestants, arguments.rounds)
        for log in (whole, without):
            runner.run(log.close())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--concurrent", type=lambda text: [int(part) for part in text.split(",")], default=[32, 64])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory) / "pg") as server:
        found = measure(server, arguments)
    rows = []
    for concurrent, rounds in found.items():
        speeds = [each.per_second for name in ("whole", "without") if (each := median(rounds, name))]
        rows.append([concurrent, *(f"{speed:,.0f}" for speed in speeds), ratio(rounds, "whole", "without")])
    print(results.table(["concurrent", "with leaf /s", "without /s", "with/without"], rows))
    results.write(arguments.json, "leaf", {"rounds": {str(key): as_json(rounds) for key, rounds in found.items()}})


if __name__ == "__main__":
    main()
