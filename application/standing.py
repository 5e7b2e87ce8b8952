"""Standing approvals: proposed by one person, approved by another, revoked by anybody who may."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from application.house import Attempt, Context, Done, House, carry_out, check_if_match, load, load_many, write
from application.ports import Change
from domain import ids, standing_approval, standing_terms
from domain.errors import Code, Refused
from domain.standing_approval import REGISTER, STANDING_APPROVALS, StandingApproval, StandingApprovals
from domain.standing_terms import ApprovedTarget, StandingTerms
from domain.target_system import TARGET_SYSTEM


async def all_standing_approvals(house: House, until_position: int | None = None) -> tuple[StandingApproval, ...]:
    """All of them in the order in which they were proposed, as they are, or as they were at a position."""
    recorded = (await house.log.load([REGISTER]))[REGISTER]
    until = [each.event for each in recorded if until_position is None or each.position <= until_position]
    return (STANDING_APPROVALS.fold(until) or StandingApprovals()).entries


async def propose_standing_approval(house: House, context: Context, wanted: StandingTerms) -> Done[StandingApproval]:
    """Ask for a standing approval; it counts once somebody else has approved it."""
    entry_id = ids.derive("standing-approval", context.command_id)

    async def attempt() -> Attempt[StandingApproval]:
        terms = standing_terms.checked(wanted, context.at)
        _, targets = await _targets(house, terms.target_system_ids)
        known = await load(house, STANDING_APPROVALS, REGISTER)
        events = standing_approval.propose(known.state, context.meta, entry_id, terms)
        return Attempt((write(known, events), *targets), known.after(events).found.get(entry_id))

    return await _done(house, context, entry_id, "propose", attempt)


async def approve_standing_approval(house: House, context: Context, entry_id: UUID) -> Done[StandingApproval]:
    """The second person's yes, to the terms and to the targets' settings as they are now."""

    async def attempt() -> Attempt[StandingApproval]:
        known = await load(house, STANDING_APPROVALS, REGISTER)
        entry = (known.state or StandingApprovals()).get(entry_id)
        check_if_match(context, entry.version)
        approved, asserted = await _targets(house, entry.terms.target_system_ids)
        events = standing_approval.approve(entry, context.meta, approved)
        return Attempt((write(known, events), *asserted), known.after(events).found.get(entry_id))

    return await _done(house, context, entry_id, "approve", attempt)


async def revoke_standing_approval(house: House, context: Context, entry_id: UUID) -> Done[StandingApproval]:
    """Nothing more is pushed under it; what waits for its window expires."""

    async def attempt() -> Attempt[StandingApproval]:
        known = await load(house, STANDING_APPROVALS, REGISTER)
        entry = (known.state or StandingApprovals()).get(entry_id)
        check_if_match(context, entry.version)
        events = standing_approval.revoke(entry, context.meta)
        return Attempt((write(known, events),), known.after(events).found.get(entry_id))

    return await _done(house, context, entry_id, "revoke", attempt)


async def _targets(
    house: House, target_system_ids: tuple[UUID, ...]
) -> tuple[tuple[ApprovedTarget, ...], tuple[Change, ...]]:
    """The targets with the versions of their settings, and that they have not changed since."""
    loaded = await load_many(house, TARGET_SYSTEM, target_system_ids)
    for n, target_id in enumerate(target_system_ids):
        if loaded[target_id].named_by(f"/target_system_ids/{n}").retired:
            sentence = f"{loaded[target_id].found.name} is retired; leave it out."
            raise Refused(Code.VALIDATION_FAILED, sentence, pointer=f"/target_system_ids/{n}")
    approved = (
        ApprovedTarget(target_system_id=target_id, settings_version=loaded[target_id].found.settings.version)
        for target_id in target_system_ids
    )
    return tuple(approved), tuple(write(loaded[target_id], ()) for target_id in target_system_ids)


async def _done(
    house: House,
    context: Context,
    entry_id: UUID,
    step: str,
    attempt: Callable[[], Awaitable[Attempt[StandingApproval]]],
) -> Done[StandingApproval]:
    async def again() -> StandingApproval:
        return (await load(house, STANDING_APPROVALS, REGISTER)).found.get(entry_id)

    action = f"standing_approval.{step}"
    return await carry_out(house, context, attempt, subject_id=entry_id, action=action, again=again)
