"""Forgetting what has become old: whoever is to stop stops."""

import asyncio
from typing import cast

from adapters.postgres_ops.database import OpsDatabase
from adapters.postgres_ops.pruning import prune_for_ever
from application.ports import LogUnavailable


class Dying:
    """A database that answers nothing, and is away when one stops waiting for it."""

    async def rows(self, _statement: str, _parameters: object = ()) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise LogUnavailable("the database does not answer")


async def test_pruning_that_is_stopped_while_its_database_goes_stops() -> None:
    """The error that stands where the cancellation was is no reason to go on for another hour."""

    async def nobody() -> bool:
        return False

    task = asyncio.create_task(prune_for_ever(cast("OpsDatabase", Dying()), 30, nobody))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    ended = task.cancelled()
    task.cancel()
    assert ended
