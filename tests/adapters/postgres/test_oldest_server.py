"""The same contract on the oldest PostgreSQL that we promise to work with."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from adapters.postgres.binaries import OLDEST_MAJOR, NoPostgres, find_binaries
from adapters.postgres.log import PostgresLog
from tests.adapters.postgres.ledger_checks import check_ledger
from tests.contracts.log_contract import LogContract
from tests.support.postgres import Pg, PostgresServer, database, embedded_server


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    try:
        find_binaries(OLDEST_MAJOR)
    except NoPostgres as absent:
        pytest.skip(str(absent))
    with embedded_server(tmp_path_factory.mktemp("oldest"), OLDEST_MAJOR) as server:
        yield server


@pytest.fixture
def pg(oldest: PostgresServer) -> Iterator[Pg]:
    with database(oldest) as fresh:
        yield fresh
        check_ledger(fresh.app_dsn)


@pytest_asyncio.fixture
async def log(pg: Pg) -> AsyncIterator[PostgresLog]:
    async with pg.log() as opened:
        yield opened


class TestOldestPostgres(LogContract):
    """On PostgreSQL 15."""
