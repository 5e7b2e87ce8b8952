"""What most read models share: rows by id, in pages, and in batches."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from projections.coalesce import Coalesced
from projections.reading.postgres import Reader
from projections.reading.queries import Decoder, Order, Where, columns
from projections.rows import Page, Row, page
from projections.store import uuids

S = TypeVar("S")
T = TypeVar("T")


class Entities(Generic[S]):
    """The rows of one entity projection, alias `e` in conditions."""

    def __init__(self, reader: Reader, table: str, state_type: type[S]) -> None:
        self.decode = Decoder(state_type)
        self._reader = reader
        self._select = f"SELECT {columns('e')} FROM read.{table} e"  # noqa: S608 - our own names
        self._coalesced: Coalesced[UUID, Row[S]] = Coalesced(self.get_many)

    async def get(self, key: UUID) -> Row[S] | None:
        """One row; concurrent calls share a statement."""
        return await self._coalesced.get(key)

    async def get_many(self, keys: Sequence[UUID]) -> dict[UUID, Row[S]]:
        """Those that exist."""
        rows = await self._reader.rows(f"{self._select} WHERE e.id = ANY (%b::uuid[])", [uuids(keys)])
        return {row[0]: self.decode(row) for row in rows}

    async def first(self, where: Where, order: str = "") -> Row[S] | None:
        """The first row."""
        rows = await self._reader.rows(f"{self._select}{where}{order} LIMIT 1", where.parameters)
        return self.decode(rows[0]) if rows else None

    async def all(self, where: Where, order: str, limit: int | None = None) -> list[Row[S]]:
        """Rows, up to a limit."""
        query = f"{self._select}{where}{order}{_limit(limit)}"
        return [self.decode(row) for row in await self._reader.rows(query, where.parameters)]

    async def page(self, where: Where, order: Order, limit: int, cursor: str | None) -> Page[Row[S]]:
        """A page. Raises BadCursor."""
        where = order.after(where, "e", cursor)
        return page(await self.all(where, order.sql("e"), limit + 1), limit, order.cursor_of)

    async def stream(self, where: Where, order: Order) -> AsyncIterator[Sequence[Row[S]]]:
        """All rows in batches."""
        async for rows in self._reader.batches(f"{self._select}{where}{order.sql('e')}", where.parameters):
            yield [self.decode(row) for row in rows]


class Nodes(Generic[T]):
    """Rows of one projection together with rows they refer to: a select with joins, alias `e` for the rows' own."""

    def __init__(
        self, reader: Reader, select: str, make: Callable[[Sequence[Any]], T], row_of: Callable[[T], Row[Any]]
    ) -> None:
        self._reader = reader
        self._select = select
        self._make = make
        self._row_of = row_of
        self._coalesced: Coalesced[UUID, T] = Coalesced(self._get_many)

    async def get(self, key: UUID) -> T | None:
        """One node; concurrent calls share a statement."""
        return await self._coalesced.get(key)

    async def all(self, where: Where, order: str, limit: int | None = None) -> list[T]:
        """Nodes, up to a limit."""
        rows = await self._reader.rows(f"{self._select}{where}{order}{_limit(limit)}", where.parameters)
        return [self._make(row) for row in rows]

    async def page(self, where: Where, order: Order, limit: int, cursor: str | None) -> Page[T]:
        """A page. Raises BadCursor."""
        where = order.after(where, "e", cursor)
        found = await self.all(where, order.sql("e"), limit + 1)
        return page(found, limit, lambda node: order.cursor_of(self._row_of(node)))

    async def stream(self, where: Where, order: Order) -> AsyncIterator[Sequence[T]]:
        """All nodes in batches."""
        async for rows in self._reader.batches(f"{self._select}{where}{order.sql('e')}", where.parameters):
            yield [self._make(row) for row in rows]

    async def _get_many(self, keys: Sequence[UUID]) -> Mapping[UUID, T]:
        rows = await self._reader.rows(f"{self._select} WHERE e.id = ANY (%b::uuid[])", [uuids(keys)])
        return {row[0]: self._make(row) for row in rows}


def _limit(limit: int | None) -> str:
    return "" if limit is None else f" LIMIT {int(limit)}"
