"""The service for tests of the API."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.desk import Desk, in_one_task, open_desk
from tests.support.postgres import Pg


@pytest.fixture
async def desk(pg: Pg, tmp_path: Path) -> AsyncIterator[Desk]:
    """The whole service over a fresh database."""
    async with in_one_task(open_desk(pg, tmp_path)) as opened:
        yield opened
