"""Entries of registers (domain.register): created, changed, retired; read from the ledger itself."""

from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from application.house import Attempt, Context, Done, House, carry_out, check_if_match, load, write
from domain import ids, register
from domain.register import Entry, Kind, Named

T = TypeVar("T", bound=Named)


class Placed(NamedTuple, Generic[T]):
    """An entry, and its number in the order in which they were made, from 1."""

    number: int
    entry: Entry[T]


async def entries(house: House, kind: Kind[T], until_position: int | None = None) -> list[Placed[T]]:
    """All entries in the order in which they were made, as they are, or as they were at a position."""
    recorded = [
        each
        for each in (await house.log.load([kind.stream]))[kind.stream]
        if until_position is None or each.position <= until_position
    ]
    state = kind.aggregate.fold(each.event for each in recorded) or kind.initial
    return [Placed(number, entry) for number, entry in enumerate(state.entries, 1)]


async def create(house: House, context: Context, kind: Kind[T], terms: T) -> Done[Entry[T]]:
    """One more entry."""
    entry_id = ids.derive(kind.words, context.command_id)

    async def attempt() -> Attempt[Entry[T]]:
        known = await load(house, kind.aggregate, kind.stream)
        events = register.create(kind, known.state, context.meta, entry_id, terms)
        return Attempt((write(known, events),), register.found(kind, known.after(events).state, entry_id))

    return await _done(house, context, kind, entry_id, "create", attempt)


async def change(
    house: House, context: Context, kind: Kind[T], entry_id: UUID, changed: Callable[[T], T]
) -> Done[Entry[T]]:
    """A new description of an entry, made of the present one."""

    async def attempt() -> Attempt[Entry[T]]:
        known = await load(house, kind.aggregate, kind.stream)
        entry = register.found(kind, known.state, entry_id)
        check_if_match(context, entry.version)
        events = register.change(kind, known.state, context.meta, entry_id, changed(entry.terms))
        return Attempt((write(known, events),), register.found(kind, known.after(events).state, entry_id))

    return await _done(house, context, kind, entry_id, "change", attempt)


async def retire(house: House, context: Context, kind: Kind[T], entry_id: UUID) -> Done[Entry[T]]:
    """Out of force from now on; another one may have its name."""

    async def attempt() -> Attempt[Entry[T]]:
        known = await load(house, kind.aggregate, kind.stream)
        check_if_match(context, register.found(kind, known.state, entry_id).version)
        events = register.retire(kind, known.state, context.meta, entry_id)
        return Attempt((write(known, events),), register.found(kind, known.after(events).state, entry_id))

    return await _done(house, context, kind, entry_id, "retire", attempt)


async def _done(
    house: House,
    context: Context,
    kind: Kind[T],
    entry_id: UUID,
    action: str,
    attempt: Callable[[], Awaitable[Attempt[Entry[T]]]],
) -> Done[Entry[T]]:
    async def again() -> Entry[T]:
        return register.found(kind, (await load(house, kind.aggregate, kind.stream)).state, entry_id)

    name = f"{kind.words.replace(' ', '_')}.{action}"
    return await carry_out(house, context, attempt, subject_id=entry_id, action=name, again=again)
