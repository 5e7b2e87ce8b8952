"""A writing process for tests: appends commands until it has done enough, and tells what was acknowledged.

    python -m tests.adapters.postgres.writer      standard input: DSN, number of commands, concurrency (one line each)

Prints `command_id first_position last_position` per acknowledged command. Some commands conflict, some are repeated.
"""

import asyncio
import random
import sys
from uuid import UUID, uuid4

from adapters.postgres.log import PostgresLog
from application.ports import Append, LogUnavailable, VersionConflict
from tests.contracts.log_events import command, read_by, writing

_EVENTS = (1, 1, 2, 5)


def _make(hot: list[UUID]) -> Append:
    events = [read_by("writer") for _ in range(random.choice(_EVENTS))]
    if random.random() < 0.05:
        return command(writing(random.choice(hot), random.randrange(3), *events))
    if random.random() < 0.1:
        return command(writing(random.choice(hot), None, *events), writing(uuid4(), 0, read_by("writer")))
    return command(writing(uuid4(), 0, *events))


async def _write(log: PostgresLog, budget: list[int], hot: list[UUID]) -> None:
    while budget[0] > 0:
        budget[0] -= 1
        made = _make(hot)
        try:
            appended = await log.append(made)
            if random.random() < 0.02:
                again = await log.append(made)
                assert (again.repeated, again.first_position) == (True, appended.first_position)
        except VersionConflict:
            continue
        except LogUnavailable:
            await asyncio.sleep(0.05)
            continue
        sys.stdout.write(f"{made.command_id} {appended.first_position} {appended.last_position}\n")


async def main(dsn: str, commands: int, concurrency: int) -> None:
    hot = [UUID(int=n) for n in range(8)]
    budget = [commands]
    async with PostgresLog(dsn, patience=60.0) as log:
        await asyncio.gather(*(_write(log, budget, hot) for _ in range(concurrency)))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    _dsn, _commands, _concurrency = sys.stdin.read().splitlines()
    asyncio.run(main(_dsn, int(_commands), int(_concurrency)))
