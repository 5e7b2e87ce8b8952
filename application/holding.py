"""Legal holds: set and released by administrators; all of them are one stream (domain.legal_hold)."""

from typing import NamedTuple
from uuid import UUID

from application.house import Attempt, Context, Done, House, carry_out, load, write
from application.personal import sealed
from application.ports import Change
from domain import ids
from domain.errors import Code, Refused
from domain.legal_hold import LEGAL_HOLDS, REGISTER, LegalHold, LegalHolds, LegalHoldSet, release, set_hold
from domain.principal import PRINCIPAL


class PlacedHold(NamedTuple):
    """A hold, the position at which it was set, and its version: 1, or 2 once it is released."""

    hold: LegalHold
    position: int

    @property
    def version(self) -> int:
        """How many events it has."""
        return 1 if self.hold.released is None else 2


async def all_holds(house: House, until_position: int | None = None) -> list[PlacedHold]:
    """All holds in the order in which they were set, as they are, or as they were at a position."""
    recorded = [
        each
        for each in (await house.log.load([REGISTER]))[REGISTER]
        if until_position is None or each.position <= until_position
    ]
    places = {each.event.hold_id: each.position for each in recorded if isinstance(each.event, LegalHoldSet)}
    state = LEGAL_HOLDS.fold(each.event for each in recorded)
    return [PlacedHold(hold, places[hold.id]) for hold in (state.holds if state is not None else ())]


async def everything_held(house: House) -> bool:
    """Does a hold keep everything?"""
    return any(each.hold.principal_id is None and each.hold.released is None for each in await all_holds(house))


async def set_legal_hold(
    house: House, context: Context, reason: str, principal_id: UUID | None = None
) -> Done[PlacedHold]:
    """Keep everything of one principal, or everything."""
    hold_id = ids.derive("legal-hold", context.command_id)

    async def attempt() -> Attempt[None]:
        known = await load(house, LEGAL_HOLDS, REGISTER)
        asserted: tuple[Change, ...] = ()
        if principal_id is not None:
            principal = await load(house, PRINCIPAL, principal_id)
            principal.named_by("/principal_id")
            asserted = (write(principal, ()),)
        said = await sealed(house.texts, context.actor, reason, pointer="/reason") or ""
        events = set_hold(known.state, context.meta, hold_id=hold_id, principal_id=principal_id, reason=said)
        return Attempt((write(known, events), *asserted), None)

    done = await carry_out(house, context, attempt, subject_id=hold_id, action="legal_hold.set", again=_nothing)
    return Done(result=await _placed(house, hold_id), position=done.position, repeated=done.repeated)


async def release_legal_hold(
    house: House, context: Context, hold_id: UUID, reason: str | None = None
) -> Done[PlacedHold]:
    """What the hold kept may be erased again."""

    async def attempt() -> Attempt[None]:
        known = await load(house, LEGAL_HOLDS, REGISTER)
        _check_version(context, known.state, hold_id)
        said = await sealed(house.texts, context.actor, reason, pointer="/reason")
        return Attempt((write(known, release(known.state, context.meta, hold_id, said)),), None)

    done = await carry_out(house, context, attempt, subject_id=hold_id, action="legal_hold.release", again=_nothing)
    return Done(result=await _placed(house, hold_id), position=done.position, repeated=done.repeated)


async def _nothing() -> None:
    """A repeat is answered with the hold as it is."""


async def _placed(house: House, hold_id: UUID) -> PlacedHold:
    return next(each for each in await all_holds(house) if each.hold.id == hold_id)


def _check_version(context: Context, known: LegalHolds | None, hold_id: UUID) -> None:
    """A hold has a version of its own: others that are set meanwhile do not concern it."""
    hold = known.get(hold_id) if known is not None else None
    if hold is None or context.if_match is None:
        return
    version = PlacedHold(hold, 0).version
    if version != context.if_match:
        raise Refused(
            Code.VERSION_CONFLICT,
            f"It has changed since you read it: version {version} now, you sent {context.if_match}. "
            "Read it again and decide again.",
            current_version=version,
        )
