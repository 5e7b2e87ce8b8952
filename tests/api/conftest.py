"""The service for tests of the API."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.cli.working import work
from tests.api.desk import Desk, in_one_task, only_read_models, open_desk
from tests.support.postgres import Pg


@pytest.fixture
async def desk(pg: Pg, tmp_path: Path) -> AsyncIterator[Desk]:
    """The service over a fresh database; nothing is carried out that is asked of the worker."""
    async with in_one_task(open_desk(pg, tmp_path, work=only_read_models)) as opened:
        yield opened


@pytest.fixture
async def working_desk(pg: Pg, tmp_path: Path) -> AsyncIterator[Desk]:
    """The service with its whole worker."""
    async with in_one_task(open_desk(pg, tmp_path, work=work)) as opened:
        yield opened
