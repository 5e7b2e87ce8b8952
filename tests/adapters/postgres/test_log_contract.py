"""The ledger in PostgreSQL keeps the contract of the Log."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest_asyncio

from adapters.postgres.arrays import uuids
from adapters.postgres.loader import QUERY
from adapters.postgres.log import PostgresLog
from adapters.postgres.reader import Reader
from tests.adapters.postgres.ledger_checks import check_ledger
from tests.contracts.log_contract import LogContract
from tests.support.postgres import Pg


@pytest_asyncio.fixture
async def log(pg: Pg) -> AsyncIterator[PostgresLog]:
    async with pg.log() as opened:
        yield opened
    check_ledger(pg.app_dsn)


class TestPostgresLog(LogContract):
    """On PostgreSQL."""


async def test_a_stream_is_found_by_its_key(pg: Pg) -> None:
    """Also in a ledger that nobody has counted yet: a plan that reads all of it would stay when it has grown."""
    reader = Reader(pg.app_dsn, "certferry streams")
    try:
        plan = str(await reader.rows(f"EXPLAIN {QUERY}", [uuids([uuid4()])]))
    finally:
        await reader.close()
    assert "events_pkey" in plan
    assert "Seq Scan" not in plan
