"""Entries of registers (issuance policies, expiry alert rules) for answers, as they are or as they were."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from api.answers import missing
from api.asking import Reading
from api.paging import numbered, position_cursor
from application import registers
from application.house import Context, House
from application.registers import Placed
from domain.register import Entry, Kind, Named
from projections.rows import Page

T = TypeVar("T", bound=Named)


def pages_of(
    reading: Reading, kind: Kind[T], *, retired: bool | None, q: str | None
) -> Callable[[int, str | None], Awaitable[Page[Placed[T]]]]:
    """Pages of a register, oldest first: of the entries that are retired, or are not, and whose name holds `q`."""

    async def ask(limit: int, cursor: str | None) -> Page[Placed[T]]:
        after = position_cursor(cursor, 0)
        found = [
            each
            for each in await _entries(reading, kind)
            if each.number > after
            and retired in (None, each.entry.retired)
            and (q or "").casefold() in each.entry.terms.name.casefold()
        ]
        return numbered(found, limit, lambda each: each.number)

    return ask


async def entry_of(reading: Reading, kind: Kind[T], entry_id: UUID) -> Entry[T]:
    """One entry. Problem not-found."""
    found = next((each.entry for each in await _entries(reading, kind) if each.entry.id == entry_id), None)
    if found is None:
        raise missing(kind.words, entry_id)
    return found


async def save(house: House, context: Context, kind: Kind[T], entry_id: UUID | None, terms: T) -> int:
    """Create an entry, or give one new terms; answers the position. Raises what registers raise."""
    if entry_id is None:
        return (await registers.create(house, context, kind, terms)).position
    return (await registers.change(house, context, kind, entry_id, lambda _: terms)).position


async def _entries(reading: Reading, kind: Kind[T]) -> list[Placed[T]]:
    moment = reading.moment
    return await registers.entries(reading.services.house, kind, moment.position if moment is not None else None)
