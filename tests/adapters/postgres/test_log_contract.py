"""The ledger in PostgreSQL keeps the contract of the Log."""

from collections.abc import AsyncIterator

import pytest_asyncio

from adapters.postgres.log import PostgresLog
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
