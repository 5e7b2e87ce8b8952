"""Operations in PostgreSQL keep the contract."""

from collections.abc import AsyncIterator

import pytest_asyncio

from adapters.postgres_ops.database import OpsDatabase
from adapters.postgres_ops.errands import PostgresErrands
from adapters.postgres_ops.leases import PostgresLeases
from adapters.postgres_ops.presence import PostgresPresence
from adapters.postgres_ops.run_results import PostgresRunResults
from tests.contracts.ops_contract import Ops, OpsContract
from tests.support.postgres import Pg


@pytest_asyncio.fixture
async def ops(pg: Pg) -> AsyncIterator[Ops]:
    async with OpsDatabase(pg.app_dsn) as database:
        yield Ops(
            PostgresLeases(database),
            PostgresErrands(database),
            PostgresPresence(database),
            PostgresRunResults(database),
        )


class TestPostgresOps(OpsContract):
    """On PostgreSQL."""
