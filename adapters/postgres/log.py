"""The ledger in PostgreSQL: application.ports.Log over `ledger.append` and two reading connections."""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Self
from uuid import UUID

from adapters.postgres.append_only import weaknesses_async
from adapters.postgres.batch import Outcome
from adapters.postgres.committer import Committer
from adapters.postgres.connection import check_durable_async, connect
from adapters.postgres.following import AFTER, follow_rows
from adapters.postgres.loader import COLUMNS, Loader, Row, recorded
from adapters.postgres.reader import Reader
from application.entries import prepare
from application.ports import Append, Appended, CommandIdReused, Recorded, VersionConflict
from projections.coalesce import Coalesced

_log = logging.getLogger("certferry.ledger")
_FIND = (
    "SELECT body_sha256, first_position, last_position, recorded_at, answer FROM ledger.commands WHERE command_id = %b"
)

_AT = f"SELECT {COLUMNS} FROM ledger.events WHERE notification_id = ANY (%b)"  # noqa: S608 - constants


class PostgresLog:
    """One per process and event loop: it commits in groups, so many use cases at once are cheap.

    `dsn` is the application role's. Use as `async with PostgresLog(dsn) as log`, or call `open` and `close`.
    """

    def __init__(self, dsn: str, *, patience: float = 10.0, require_durable: bool = True) -> None:
        """`patience`: seconds during which an append survives lost connections. `require_durable=False`: tests only."""
        self._dsn = dsn
        self._require_durable = require_durable
        self._committer = Committer(dsn, patience=patience)
        self._streams = Reader(dsn, "certferry streams")
        self._reader = Reader(dsn, "certferry reader")
        self._loader = Loader(self._streams)
        self._single = Coalesced(self._read_single)

    async def open(self) -> Self:
        """Check the database: it must keep what it acknowledges, and should let this role do no more than append (else
        that is logged). Raises NotDurable, psycopg.OperationalError.
        """
        async with await connect(self._dsn) as connection:
            if self._require_durable:
                await check_durable_async(connection)
            for clause in await weaknesses_async(connection):
                _log.warning("this role could change what is recorded: %s; give the service certferry_app", clause)
        return self

    async def close(self) -> None:
        """Commit what waits, then give all connections back. Followers end when they are closed or cancelled."""
        await self._committer.close()
        await self._streams.close()
        await self._reader.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def load(self, stream_ids: Sequence[UUID]) -> dict[UUID, list[Recorded]]:
        """See Log.load."""
        return await self._loader.load(stream_ids)

    async def append(self, command: Append) -> Appended:
        """See Log.append. Raises NotStorable before anything is sent."""
        outcome = await self._committer.append(prepare(command))
        match outcome:
            case Appended():
                return outcome
            case Outcome.CONFLICT:
                raise VersionConflict("a stream has moved on since the decision was made")
            case Outcome.REUSED:
                raise CommandIdReused(f"the command id {command.command_id} was used before with another body")
        found = await self.find_command(command.command_id)
        assert found is not None
        return found[1]

    async def find_command(self, command_id: UUID) -> tuple[bytes, Appended] | None:
        """See Log.find_command."""
        for body, first, last, at, answer in await self._reader.rows(_FIND, [command_id]):
            return body, Appended(
                first_position=first, last_position=last, recorded_at=at, repeated=True, answer=answer
            )
        return None

    async def read(self, after_position: int, limit: int) -> list[Recorded]:
        """See Log.read. Single events that are asked for in one turn of the event loop share a statement."""
        if limit == 1:
            row = await self._single.get(after_position + 1)
            return [recorded(row)] if row is not None else []
        return [recorded(row) for row in await self._reader.rows(AFTER, [after_position, limit])]

    async def _read_single(self, positions: Sequence[int]) -> dict[int, Row]:
        """Positions are dense, so the one that follows another is known."""
        return {row[0]: row for row in await self._reader.rows(_AT, [list(positions)])}

    async def head(self) -> int:
        """See Log.head."""
        [(position,)] = await self._reader.rows("SELECT position FROM ledger.head")
        return int(position)

    async def follow(self, after_position: int) -> AsyncGenerator[list[Recorded], None]:
        """See Log.follow."""
        async with aclosing(follow_rows(self._dsn, after_position)) as batches:
            async for rows in batches:
                yield [recorded(row) for row in rows]
