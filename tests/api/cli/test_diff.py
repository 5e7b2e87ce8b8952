"""`certferry diff`: lines for people and for programs."""

import asyncio
import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.cli.shell import Shell
from tests.projections.histories import history
from tests.projections.ledger import Recorder, caught_up, running
from tests.support.postgres import Pg, PostgresServer, database


@pytest.fixture(scope="module")
def told(postgres_server: PostgresServer) -> Iterator[Pg]:
    async def record(pg: Pg) -> None:
        async with pg.log() as log, running(pg):
            await caught_up(pg, await Recorder(log).record(history(22, 300).commands))

    with database(postgres_server) as pg:
        asyncio.run(record(pg))
        yield pg


@pytest.fixture
def shell(told: Pg, tmp_path: Path) -> Shell:
    return Shell(tmp_path, told)


def test_every_form_says_the_same(shell: Shell) -> None:
    """A JSON array, a line each, a table, and sentences with positions."""
    asked = ("diff", "--from-position", "20", "--to-position", "90")
    lines = shell.json(*asked)
    assert lines
    assert lines == [json.loads(line) for line in shell.run(*asked, "--ndjson").stdout.splitlines()]
    rows = list(csv.DictReader(shell.run(*asked, "--csv").stdout.splitlines()))
    assert [line["text"] for line in lines] == [row["text"] for row in rows]
    people = shell.run(*asked).stdout.splitlines()
    assert [f"  {line['text']}  [{', '.join(map(str, line['positions']))}]" for line in lines] == people[1:-1]
    assert f"{len(lines)} changes" == people[-1]
    assert all(20 < position <= 90 for line in lines for position in line["positions"] if not line["clock"])


def test_between_a_moment_and_itself_nothing_changed(shell: Shell) -> None:
    """An empty array, and a sentence."""
    assert [] == shell.json("diff", "--from-position", "50", "--to-position", "50")
    assert "No changes" in shell.run("diff", "--from-position", "50", "--to-position", "50").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Give either --from-position or --from"),
        (("--from-position", "1", "--from", "2026-01-01"), "Give either --from-position or --from"),
        (("--from-position", "9", "--to-position", "8"), "before the beginning"),
        (("--from-position", "100000"), "has no position 100000"),
        (("--from", "9999-01-01"), "still to come"),
    ],
)
def test_spans_that_are_none(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    """Wrong use is status 2 and a sentence."""
    done = shell.run("diff", *arguments)
    assert (2, "") == (done.returncode, done.stdout)
    assert said in done.stderr
