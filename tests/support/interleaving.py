"""Putting a log's callers in every order: each call gives way to others a random number of times, before and after."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from random import Random
from uuid import UUID

from application.ports import Append, Appended, Log, LogUnavailable, Recorded


class WanderingLog:
    """A log around another. `counts`: how often each method was called, and of how many streams and events.

    `lose_answers`: the share of appends that commit and then say that nobody knows (LogUnavailable). `away`: appends
    say so and commit nothing.
    """

    def __init__(self, log: Log, random: Random, *, most: int = 3, lose_answers: float = 0.0) -> None:
        self.inner = log
        self.counts: Counter[str] = Counter()
        self.lose_answers = lose_answers
        self.away = False
        self._random = random
        self._most = most

    async def load(self, stream_ids: Sequence[UUID]) -> dict[UUID, list[Recorded]]:
        self.counts["load"] += 1
        self.counts["streams"] += len(stream_ids)
        await self._give_way()
        found = await self.inner.load(stream_ids)
        self.counts["events"] += sum(map(len, found.values()))
        await self._give_way()
        return found

    async def append(self, command: Append) -> Appended:
        self.counts["append"] += 1
        await self._give_way()
        if self.away:
            raise LogUnavailable("the log is away")
        appended = await self.inner.append(command)
        await self._give_way()
        if self._random.random() < self.lose_answers:
            raise LogUnavailable("the answer was lost on the way")
        return appended

    async def find_command(self, command_id: UUID) -> tuple[bytes, Appended] | None:
        self.counts["find_command"] += 1
        await self._give_way()
        return await self.inner.find_command(command_id)

    async def read(self, after_position: int, limit: int) -> list[Recorded]:
        await self._give_way()
        return await self.inner.read(after_position, limit)

    async def head(self) -> int:
        await self._give_way()
        return await self.inner.head()

    def follow(self, after_position: int) -> AsyncGenerator[list[Recorded], None]:
        return self.inner.follow(after_position)

    async def _give_way(self) -> None:
        for _ in range(self._random.randint(0, self._most)):
            await asyncio.sleep(0)
