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
from domain.role_scope import Concern

S = TypeVar("S")


async def change_one(
    house: House,
    context: Context,
    kind: AggregateType[S],
    stream_id: UUID,
    action: str,
    decision: Callable[[S], tuple[Event, ...]],
    concern: Callable[[S], Concern] | None = None,
) -> Done[Loaded[S]]:
    """The aggregate as it is afterwards; a repeat shows it as it is now. `action` names the command in a refusal.
    `concern`: by what of it a role within a scope reaches it; None: such a role does not.
    """

    async def attempt() -> Attempt[Loaded[S]]:
        known = await load(house, kind, stream_id)
        within = context.concerning(concern(known.found)) if concern is not None else context
        check_version(context, known)
        events = decide(known, decision)
        return Attempt((write(known, events),), known.after(events), within)

    again = reading_back(house, kind, stream_id)
    return await carry_out(house, context, attempt, subject_id=stream_id, action=action, again=again)
