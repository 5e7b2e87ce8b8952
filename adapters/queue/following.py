"""Handing the log's events to their reactions: the jobs and the position they stand for commit together."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from procrastinate.jobs import Job
from psycopg import AsyncConnection

from adapters.postgres.arrays import int8s, texts
from adapters.postgres.following import follow_rows
from adapters.postgres.loader import Row, recorded
from adapters.postgres.losing import until_lost
from adapters.queue.jobs import Queue
from application.automations.reactions import REACTIONS, Reaction
from application.ports import Recorded

FOLLOWER = "reactions"
TOGETHER = 100
"""The most reactions of one job."""
BY_TOPIC: Mapping[str, tuple[Reaction, ...]] = {event.topic: found for event, found in REACTIONS.items()}

DUE_AT_ONCE = 1000
"""The most reactions whose instant has come that are handed out in one transaction."""
LOOK_SECONDS = 0.5
"""How often it is looked for reactions whose instant has come."""

_BEGIN = "INSERT INTO ops.followers (name) VALUES (%s) ON CONFLICT DO NOTHING"
_POSITION = "SELECT position FROM ops.followers WHERE name = %s"
_ADVANCE = "UPDATE ops.followers SET position = %s WHERE name = %s"
_CLAIM = """
INSERT INTO ops.reactions (reaction, position) SELECT * FROM unnest(%s::text[], %s::bigint[])
ON CONFLICT DO NOTHING RETURNING reaction, position
"""
_LATER = """
INSERT INTO ops.later (reaction, position, due_at) SELECT * FROM unnest(%s::text[], %s::bigint[], %s::timestamptz[])
ON CONFLICT DO NOTHING
"""
_DUE = """
DELETE FROM ops.later WHERE (reaction, position) IN (
    SELECT reaction, position FROM ops.later WHERE due_at <= clock_timestamp()
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING reaction, position
"""
_QUARANTINE = """
INSERT INTO ops.quarantine (projection, position, error) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
_log = logging.getLogger(__name__)


class _Wanted(NamedTuple):
    reaction: Reaction
    recorded: Recorded


Keep = Callable[[Recorded], object]


def _left(_: Recorded) -> None:
    """Whoever reacts reads it again."""


async def follow_log(queue: Queue, keep: Keep = _left) -> None:
    """Until the database goes away, which may forget how far it was. Several processes may follow: each event is handed
    out once, whoever comes first. `keep` gets those of this process: soon somebody reacts to them.

    Raises psycopg.OperationalError.
    """
    await until_lost(queue.dsn, lambda: _follow_log(queue, keep))


async def _follow_log(queue: Queue, keep: Keep) -> None:
    async with queue.connector.pool.connection() as connection:
        await connection.execute(_BEGIN, (FOLLOWER,))
        cursor = await connection.execute(_POSITION, (FOLLOWER,))
        [(position,)] = await cursor.fetchall()
    async for rows in follow_rows(queue.dsn, position, topics=list(BY_TOPIC)):
        await hand_out(queue, rows, keep)


async def follow_time(queue: Queue) -> None:
    """For ever: what waited for its instant is handed out when that has come. Several processes may do so."""
    while True:
        if await hand_out_due(queue) < DUE_AT_ONCE:
            await asyncio.sleep(LOOK_SECONDS)


async def hand_out_due(queue: Queue) -> int:
    """Queue the reactions whose instant has come; how many that were. It and their end of waiting commit together."""
    async with queue.connector.pool.connection() as connection, connection.transaction():
        rows = await (await connection.execute(_DUE, (DUE_AT_ONCE,))).fetchall()
        await _queue_up(queue, connection, sorted(rows))
    return len(rows)


async def hand_out(queue: Queue, rows: Sequence[Row], keep: Keep = _left) -> None:
    """Queue the reactions to a batch of events, and remember that it was done, in one transaction."""
    async with queue.connector.pool.connection() as connection, connection.transaction():
        cursor = await connection.execute(f"{_POSITION} FOR UPDATE", (FOLLOWER,))
        [(position,)] = await cursor.fetchall()
        fresh = [row for row in rows if row[0] > position]
        if not fresh:
            return
        wanted = await _claim(connection, await _wanted(connection, fresh))
        await _wait(connection, wanted)
        await _queue_up(queue, connection, _at_once(wanted))
        for each in wanted:
            keep(each.recorded)
        await connection.execute(_ADVANCE, (fresh[-1][0], FOLLOWER))


async def _wanted(connection: AsyncConnection[Any], rows: Iterable[Row]) -> list[_Wanted]:
    found: list[_Wanted] = []
    for row in rows:
        reactions = BY_TOPIC.get(row[4], ())
        if not reactions:
            continue
        try:
            event = recorded(row)
            found.extend(_Wanted(reaction, event) for reaction in reactions if reaction.follows(event.event))
        except Exception as error:  # noqa: BLE001 - one event nobody can read must not stop the others
            _log.exception("the event at position %d cannot be read: no reaction follows", row[0])
            await connection.execute(_QUARANTINE, (FOLLOWER, row[0], type(error).__name__))
    return found


async def _claim(connection: AsyncConnection[Any], wanted: Sequence[_Wanted]) -> list[_Wanted]:
    """Those that were not queued before."""
    if not wanted:
        return []
    names, positions = [each.reaction.name for each in wanted], [each.recorded.position for each in wanted]
    cursor = await connection.execute(_CLAIM, (texts(names), int8s(positions)))
    fresh = {(name, position) for name, position in await cursor.fetchall()}
    return [each for each in wanted if (each.reaction.name, each.recorded.position) in fresh]


async def _wait(connection: AsyncConnection[Any], wanted: Sequence[_Wanted]) -> None:
    """Those that wait for an instant."""
    due: list[tuple[str, int, datetime]] = [
        (each.reaction.name, each.recorded.position, each.reaction.at(each.recorded.event))
        for each in wanted
        if each.reaction.at
    ]
    if due:
        await connection.execute(_LATER, [list(column) for column in zip(*due, strict=True)])


def _at_once(wanted: Sequence[_Wanted]) -> list[tuple[str, int]]:
    """The others: (reaction, position). Of those that only look at what their stream has become, the last."""
    last = {(each.reaction.name, each.recorded.stream_id): each.recorded.position for each in wanted}
    return [
        (reaction.name, event.position)
        for reaction, event in wanted
        if not reaction.at and not (reaction.latest and last[reaction.name, event.stream_id] != event.position)
    ]


async def _queue_up(queue: Queue, connection: AsyncConnection[Any], wanted: Sequence[tuple[str, int]]) -> None:
    """Reactions of one name are carried out together: a job costs more than most of them do."""
    together: dict[str, list[int]] = {}
    for name, position in wanted:
        together.setdefault(name, []).append(position)
    if jobs := [job for name, positions in together.items() for job in _shared(queue, name, positions)]:
        await queue.app.job_manager.batch_defer_jobs_async(jobs=jobs, connection=connection)


def _shared(queue: Queue, name: str, positions: Sequence[int]) -> Iterator[Job]:
    for part in _parts(positions, TOGETHER):
        if len(part) == 1:
            yield queue.react.configure().make_new_job(reaction_name=name, position=part[0])
        else:
            yield queue.together.configure().make_new_job(reaction_name=name, positions=[*part])


def _parts(items: Sequence[int], size: int) -> Iterator[list[int]]:
    """Parts of at most so many."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
