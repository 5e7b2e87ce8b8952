"""A town with a history, recorded and projected once for all questions that only read; and the read models over it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.entity import Event
from projections.catalogue import HISTORIES, Views, views
from projections.lines import HISTORY
from projections.reading.postgres import reading_pool
from tests.projections import pushing
from tests.projections.histories import history
from tests.projections.ledger import Recorder, caught_up, running
from tests.projections.world import World
from tests.support.postgres import Pg, PostgresServer, database


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a row must say, known without any projection."""

    id: UUID
    version: int
    created_position: int
    position: int
    state: Any


class Town(msgspec.Struct, frozen=True):
    """The history and where it is recorded."""

    world: World
    pg: Pg

    @property
    def events(self) -> list[tuple[int, UUID, Event]]:
        """Position, stream and event of the whole ledger."""
        return [(position, stream_id, event) for position, (stream_id, event) in enumerate(self.world.events, 1)]

    def known(self, kind: str) -> list[Known]:
        """Everything of a kind, oldest first."""
        ids = dict.fromkeys(self.world.all(kind))
        positions: dict[UUID, list[int]] = {}
        for position, stream_id, _ in self.events:
            if stream_id in ids:
                positions.setdefault(stream_id, []).append(position)
        return [
            Known(id=key, version=len(at), created_position=at[0], position=at[-1], state=self.world.states[key])
            for key, at in sorted(positions.items(), key=lambda item: item[1])
        ]


@pytest.fixture(scope="session")
def town(postgres_server: PostgresServer) -> Iterator[Town]:
    world = history(17, 2600)
    world.live(
        {pushing.associate: 2, pushing.push: 4, pushing.decide: 3, pushing.dispatch: 1}, 200
    )  # much is still open

    async def record() -> None:
        async with pg.log() as log:
            position = await Recorder(log).record(world.commands)
        async with running(pg), running(pg, HISTORIES, line=HISTORY):
            await caught_up(pg, position)
            await caught_up(pg, position, HISTORY)

    with database(postgres_server) as pg:
        asyncio.run(record())
        yield Town(world, pg)


@pytest.fixture
async def ask(town: Town) -> AsyncIterator[Views]:
    """The read models of the town."""
    async with reading_pool(town.pg.app_dsn) as pool:
        yield views(pool)
