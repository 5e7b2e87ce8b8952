"""The ledger in PostgreSQL keeps the contract of the Log."""

from collections.abc import AsyncIterator

import pytest_asyncio

from adapters.postgres.log import PostgresLog
from tests.contracts.log_contract import LogContract
from tests.support.postgres import Pg


@pytest_asyncio.fixture
async def log(pg: Pg) -> AsyncIterator[PostgresLog]:
    async with pg.log() as opened:
        yield opened


class TestPostgresLog(LogContract):
    """On PostgreSQL."""
