"""Published revocation lists in PostgreSQL: numbers that rise by one, whoever publishes at once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from adapters.postgres_ops.crls import PostgresCrls
from adapters.postgres_ops.database import OpsDatabase
from adapters.x509.crl import PublishedCrl
from tests.support.postgres import Pg

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def publish(crls: PostgresCrls, ca_id: str, text: bytes) -> int:
    """The next list, with time for others to come in between."""
    async with crls.next(ca_id) as turn:
        number = turn.latest.number + 1 if turn.latest else 1
        await asyncio.sleep(0.01)
        await turn.keep(PublishedCrl(number, AT, AT + timedelta(days=7), text))
        return number


async def fail(crls: PostgresCrls) -> None:
    """The next list, but something goes wrong afterwards."""
    async with crls.next("aa") as turn:
        await turn.keep(PublishedCrl(1, AT, AT, b"half"))
        raise RuntimeError


async def test_each_list_has_the_next_number(pg: Pg) -> None:
    """Two processes, five lists each, at the same time; each CA counts for itself."""
    async with OpsDatabase(pg.app_dsn) as one, OpsDatabase(pg.app_dsn) as other:
        crls = [PostgresCrls(one), PostgresCrls(other)]
        numbers = await asyncio.gather(*(publish(crls[n % 2], "aa", b"%d" % n) for n in range(10)))
        assert list(range(1, 11)) == sorted(numbers)
        latest = await crls[0].latest("aa")
        assert latest is not None
        assert (10, AT, AT + timedelta(days=7), b"%d" % numbers.index(10)) == latest
        assert 1 == await publish(crls[1], "bb", b"other")
        assert await crls[0].latest("cc") is None


async def test_what_fails_is_not_published(pg: Pg) -> None:
    """And takes no number."""
    async with OpsDatabase(pg.app_dsn) as database:
        crls = PostgresCrls(database)
        with pytest.raises(RuntimeError):
            await fail(crls)
        assert await crls.latest("aa") is None
        assert 1 == await publish(crls, "aa", b"whole")
