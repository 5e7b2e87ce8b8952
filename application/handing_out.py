"""Handing waiting work to a bridge: the oldest of each target, each on its own."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

_log = logging.getLogger(__name__)
_STEP = 4
_FURTHEST = 1024


class Offer(Protocol):
    """Something that waits for a bridge."""

    @property
    def target_system_id(self) -> UUID: ...


Offered = TypeVar("Offered", bound=Offer)
Taken = TypeVar("Taken")


async def oldest_of_each_target(
    ask: Callable[[int], Awaitable[Sequence[Offered]]], capacity: int
) -> AsyncIterator[Offered]:
    """The first offer of each target, looking further and further down the queue: a busy target holds up no other.

    `ask` gives the first so many offers, oldest first.
    """
    seen: set[UUID] = set()
    limit = _STEP * capacity
    while True:
        offers = await ask(limit)
        for offer in offers:
            if offer.target_system_id not in seen:
                seen.add(offer.target_system_id)
                yield offer
        if len(offers) < limit or limit >= _FURTHEST:
            return
        limit = min(_STEP * limit, _FURTHEST)


async def hand_out(
    offers: AsyncIterator[Offered], take: Callable[[Offered], Awaitable[Taken | None]], capacity: int
) -> list[Taken]:
    """Take up to `capacity` offers; None: it is not to be had. An error with one holds up no other, and is raised only
    where nothing else was to be had.
    """
    taken: list[Taken] = []
    error: Exception | None = None
    async for offer in offers:
        try:
            found = await take(offer)
        except Exception as trouble:  # noqa: BLE001 - raised below
            _log.warning("work for target system %s is held up: %s", offer.target_system_id, type(trouble).__name__)
            error = trouble
            continue
        if found is not None:
            taken.append(found)
        if len(taken) >= capacity:
            break
    if error is not None and not taken:
        raise error
    return taken
