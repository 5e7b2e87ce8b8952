"""The plainest of commands: one aggregate decides, and what it decides is appended to its own stream."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    carry_out,
    check_version,
    decide,
    load,
    reading_back,
    write,
)
from domain.entity import AggregateType, Event

S = TypeVar("S")


async def change_one(
    house: House,
    context: Context,
    kind: AggregateType[S],
    stream_id: UUID,
    action: str,
    decision: Callable[[S], tuple[Event, ...]],
) -> Done[Loaded[S]]:
    """The aggregate as it is afterwards; a repeat shows it as it is now. `action` names the command in a refusal."""

    async def attempt() -> Attempt[Loaded[S]]:
        known = await load(house, kind, stream_id)
        check_version(context, known)
        events = decide(known, decision)
        return Attempt((write(known, events),), known.after(events))

    again = reading_back(house, kind, stream_id)
    return await carry_out(house, context, attempt, subject_id=stream_id, action=action, again=again)
