"""Roles of principals: given, taken, and where two people have to agree proposed, approved and rejected."""

from collections.abc import Callable, Sequence
from uuid import UUID

from application.administering import grant_id, other_administrators
from application.changing import change_one
from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    carry_out,
    check_version,
    load,
    reading_back,
    write,
)
from application.personal import sealed
from application.ports import Change
from domain import granting
from domain.entity import Actor, Event
from domain.principal import PRINCIPAL, Principal
from domain.role_grant import Role, ScopedRole
from domain.role_scope import RoleScope
from domain.roles import Permission, may
from domain.subjects import person_behind


async def change_role(
    house: House, context: Context, subject: UUID, role: Role, *, held: bool, scope: RoleScope | None = None
) -> Done[Loaded[Principal]]:
    """Grant or revoke one role within a scope. Without one it is granted everywhere, or revoked altogether, whatever
    the scopes it is held within.
    """
    if held:
        return await _change(house, context, subject, (_given(context, role, scope),))

    def taken(principal: Principal, other_admins: bool) -> tuple[Event, ...]:
        if scope is None:
            return granting.revoke_all(principal, context.meta, role, other_admins=other_admins)
        return granting.revoke(principal, context.meta, role, scope=scope)

    return await _change(house, context, subject, (taken,), from_admin=role is Role.ADMIN)


async def set_roles(
    house: House, context: Context, subject: UUID, roles: frozenset[Role], within: ScopedRole | None = None
) -> Done[Loaded[Principal]]:
    """Grant and revoke until these are held everywhere and no others; those within scopes stay as they are, and
    `within` is granted, too.
    """

    def taken(role: Role) -> _Decision:
        return lambda principal, others: granting.revoke(principal, context.meta, role, other_admins=others)

    wishes = [_given(context, role, None) if role in roles else taken(role) for role in Role]
    wishes += [_given(context, within.role, within.scope)] if within is not None else []
    return await _change(house, context, subject, wishes, from_admin=Role.ADMIN not in roles)


_Decision = Callable[[Principal, bool], tuple[Event, ...]]
"""What becomes of a role, where there are other administrators, or none."""


def _given(context: Context, role: Role, scope: RoleScope | None) -> _Decision:
    called = grant_id(context, role, scope)
    return lambda principal, _: granting.grant(principal, context.meta, role, grant_id=called, scope=scope)


async def _change(
    house: House, context: Context, subject: UUID, wishes: Sequence[_Decision], *, from_admin: bool = False
) -> Done[Loaded[Principal]]:
    """Carry these wishes out. `from_admin`: perhaps one administrator less."""

    async def attempt() -> Attempt[Loaded[Principal]]:
        known = await load(house, PRINCIPAL, subject)
        check_version(context, known)
        admins = await other_administrators(house, known) if from_admin else []
        changed, events = known, tuple[Event, ...]()
        for decision in wishes:
            more = decision(changed.found, bool(admins))
            changed, events = changed.after(more), (*events, *more)
        # Two administrators who do so to each other: one of both has to look again.
        asserted = [write(admin, ()) for admin in admins[:1]] if events else []
        return Attempt((write(known, events), *asserted), changed)

    again = reading_back(house, PRINCIPAL, subject)
    return await carry_out(house, context, attempt, subject_id=subject, action="principal.roles", again=again)


async def approve_grant(house: House, context: Context, subject: UUID, grant: UUID) -> Done[Loaded[Principal]]:
    """The second person's yes: the role is held from the next request on."""

    async def attempt() -> Attempt[Loaded[Principal]]:
        known = await load(house, PRINCIPAL, subject)
        check_version(context, known)
        found = granting.proposed(known.found, context.meta, grant, "approved")
        proposer_may, asserted = await _still_may(house, found.proposed.by, known)
        events = granting.approve(known.found, context.meta, grant, principal_id=subject, proposer_may=proposer_may)
        return Attempt((write(known, events), *asserted), known.after(events))

    again = reading_back(house, PRINCIPAL, subject)
    return await carry_out(house, context, attempt, subject_id=subject, action="principal.grant.approve", again=again)


async def reject_grant(
    house: House, context: Context, subject: UUID, grant: UUID, reason: str | None = None
) -> Done[Loaded[Principal]]:
    """No, or taken back by whoever proposed it."""
    said = await sealed(house.texts, context.actor, reason, pointer="/reason")

    def decide(principal: Principal) -> tuple[Event, ...]:
        return granting.reject(principal, context.meta, grant, reason=said)

    return await change_one(house, context, PRINCIPAL, subject, "principal.grant.reject", decide)


async def _still_may(house: House, proposer: Actor, subject: Loaded[Principal]) -> tuple[bool, tuple[Change, ...]]:
    """May whoever proposed it give roles now? And that this has not changed when the approval is written."""
    proposer_id = UUID(person_behind(proposer))
    known = subject if proposer_id == subject.id else await load(house, PRINCIPAL, proposer_id)
    state = known.state
    able = state is not None and not state.disabled and may(frozenset(state.roles), Permission.PRINCIPALS)
    return able, () if known is subject else (write(known, ()),)
