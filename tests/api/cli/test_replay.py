"""`certferry replay`: the estate of any moment, for people and as JSON, and what it cannot show."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psycopg
import pytest

from domain.certificate import CERTIFICATE, status
from domain.colour import of_certificate
from domain.entity import Event
from tests.api.cli.shell import Shell
from tests.projections.histories import history
from tests.projections.ledger import Recorder, in_read
from tests.projections.world import World
from tests.support.postgres import Pg, PostgresServer, database

AT = 150


class Told(msgspec.Struct, frozen=True):
    """A history in a ledger that nobody follows: there are no read models."""

    world: World
    pg: Pg


@pytest.fixture(scope="module")
def told(postgres_server: PostgresServer) -> Iterator[Told]:
    world = history(21, 400)

    async def record(pg: Pg) -> None:
        async with pg.log() as log:
            await Recorder(log).record(world.commands)

    with database(postgres_server) as pg:
        asyncio.run(record(pg))
        yield Told(world, pg)


@pytest.fixture
def shell(told: Told, tmp_path: Path) -> Shell:
    return Shell(tmp_path, told.pg)


def test_a_position(told: Told, shell: Shell) -> None:
    """Every certificate known by then, its status and colour by the clock of that position, and nothing later."""
    found = shell.json("replay", "--position", str(AT))
    [(at,)] = in_read(told.pg, "SELECT recorded_at FROM ledger.events WHERE notification_id = %s", AT)
    assert AT == found["position"]
    assert at == datetime.fromisoformat(found["as_of"])
    known: dict[str, list[Event]] = {}
    for stream, event in list(told.world.events)[:AT]:
        if type(event) in CERTIFICATE.table:
            known.setdefault(str(stream), []).append(event)
    expected = {key: CERTIFICATE.fold(events) for key, events in known.items()}
    assert expected.keys() == {each["id"] for each in found["certificates"]}
    for each in found["certificates"]:
        state = expected[each["id"]]
        assert state is not None
        assert (status(state, at), of_certificate(state, at).colour) == (each["status"], each["colour"])
        assert each["position"] <= AT
    assert found["connectors"]
    assert not any("available_actions" in each for each in found["connectors"] + found["open_work_orders"])


def test_an_instant_is_the_position_before_it(told: Told, shell: Shell) -> None:
    """The moment an event was recorded shows what was recorded with it, by the clock that was asked for."""
    [(at,)] = in_read(told.pg, "SELECT recorded_at FROM ledger.events WHERE notification_id = %s", AT)
    [(last,)] = in_read(told.pg, "SELECT max(notification_id) FROM ledger.events WHERE recorded_at = %s", at)
    found = shell.json("replay", "--as-of", at.astimezone(UTC).isoformat())
    same = shell.json("replay", "--position", str(last))
    assert same == found


def test_for_people(told: Told, shell: Shell) -> None:
    """A line for each thing, without a terminal no bar; before the first event there is nothing."""
    done = shell.run("replay")
    assert (0, "") == (done.returncode, done.stderr)
    assert f"position {len(list(told.world.events))}," in done.stdout
    for part in ("Certificates", "Connectors", "Open work orders", "Bridges", "deployment", "sync", "validation"):
        assert part in done.stdout
    empty = shell.run("replay", "--as-of", "2000-01-01")
    assert 4 == empty.stdout.count("  none\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--position", "1000000"), "There is no position 1000000"),
        (("--position", "-1"), "-1"),
        (("--as-of", "yesterday"), "is no instant"),
        (("--as-of", "2026-01-01T00:00:00"), "is no instant"),
        (("--as-of", "9999-01-01"), "still to come"),
        (("--as-of", "2026-01-01", "--position", "1"), "not both"),
    ],
)
def test_moments_that_are_none(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    """Wrong use is status 2 and a sentence."""
    done = shell.run("replay", *arguments)
    assert (2, "") == (done.returncode, done.stdout)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_event_that_cannot_be_folded(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """The estate is printed all the same, and what stands still is said with status 1."""
    with database(postgres_server) as pg:

        async def record() -> None:
            async with pg.log() as log:
                await Recorder(log).record(history(3, 120).commands)

        asyncio.run(record())
        _spoil(pg.superuser_dsn)
        done = Shell(tmp_path, pg).run("replay", "--json")
    assert 1 == done.returncode
    assert json.loads(done.stdout)["certificates"] is not None
    assert "could not be folded" in done.stderr


def _spoil(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER TABLE ledger.events DISABLE TRIGGER USER")
        connection.execute("UPDATE ledger.events SET state = '{}' WHERE topic = 'certificate.imported'")
