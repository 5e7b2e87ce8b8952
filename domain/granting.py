"""Roles are given and taken. Approver and implementer are proposed by one person and approved by another one."""

from uuid import UUID

from domain.entity import Event, Meta
from domain.errors import Code, Refused
from domain.principal import Principal, check_enabled, check_not_last_admin
from domain.role_grant import (
    FOUR_EYES,
    WITHOUT_SCOPE,
    GrantStatus,
    Role,
    RoleGrant,
    RoleGranted,
    RoleProposed,
    RoleRejected,
    RoleRevoked,
    ScopedRole,
)
from domain.role_scope import RoleScope
from domain.subjects import person_behind


def grant(
    principal: Principal, meta: Meta, role: Role, *, grant_id: UUID, scope: RoleScope | None = None
) -> tuple[Event, ...]:
    """One more role, everywhere or within a scope; of approver and implementer the proposal, under `grant_id`, unless
    no person acts (the command line of the server's own host). What is held or waits already, or is less than what is
    held, makes no event.
    """
    check_enabled(principal, "gets no role")
    _check_scope(role, scope)
    if role in principal.roles or (scope is not None and ScopedRole(role, scope) in principal.scoped):
        return ()
    if role not in FOUR_EYES or person_behind(meta.actor) is None:
        return (RoleGranted(meta=meta, role=role, scope=scope),)
    if waiting(principal, meta, role, scope):
        return ()
    return (RoleProposed(meta=meta, grant_id=grant_id, role=role, scope=scope),)


def approve(
    principal: Principal,
    meta: Meta,
    grant_id: UUID,
    *,
    principal_id: UUID,
    proposer_may: bool = True,
) -> tuple[Event, ...]:
    """The second person's yes. `proposer_may`: may whoever proposed it still give roles?"""
    found = proposed(principal, meta, grant_id, "approved")
    check_enabled(principal, "gets no role")
    proposer, approver = person_behind(found.proposed.by), person_behind(meta.actor)
    if approver is None:
        raise _not_allowed("A person has to approve a role.")
    if approver == proposer:
        raise _not_allowed("You proposed this role, so somebody else has to approve it (four eyes).")
    if approver == str(principal_id):
        raise _not_allowed("The role is for you, so somebody else has to approve it (four eyes).")
    if not proposer_may:
        raise Refused(
            Code.APPROVAL_VOID,
            "Whoever proposed this role may no longer give roles. Reject it; somebody else proposes.",
        )
    return (RoleGranted(meta=meta, role=found.role, grant_id=grant_id, scope=found.scope),)


def reject(principal: Principal, meta: Meta, grant_id: UUID, *, reason: str | None = None) -> tuple[Event, ...]:
    """No, by anybody who may approve, or taken back by whoever proposed it."""
    return (_rejected(meta, proposed(principal, meta, grant_id, "rejected"), reason),)


def reject_all(principal: Principal, meta: Meta) -> tuple[Event, ...]:
    """Nothing that waits is granted any more."""
    return tuple(_rejected(meta, each) for each in sorted(principal.waiting(meta.at), key=lambda each: each.role))


def revoke(
    principal: Principal, meta: Meta, role: Role, *, scope: RoleScope | None = None, other_admins: bool = True
) -> tuple[Event, ...]:
    """One role less, or no longer proposed: within this scope alone, or (None) what is held everywhere alone.
    `other_admins`: is there an administrator besides this principal?
    """
    held = role in principal.roles if scope is None else ScopedRole(role, scope) in principal.scoped
    if not held:
        found = waiting(principal, meta, role, scope)
        return (_rejected(meta, found),) if found is not None else ()
    if role is Role.ADMIN and not other_admins:
        check_not_last_admin(principal)
    return (RoleRevoked(meta=meta, role=role, scope=scope),)


def revoke_all(principal: Principal, meta: Meta, role: Role, *, other_admins: bool = True) -> tuple[Event, ...]:
    """This role no more: neither everywhere nor within any scope, nor proposed."""
    events: tuple[Event, ...] = ()
    if role in principal.roles:
        events = revoke(principal, meta, role, other_admins=other_admins)
    within = [RoleRevoked(meta=meta, role=role, scope=each.scope) for each in principal.scoped if each.role is role]
    waits = [_rejected(meta, each) for each in principal.waiting(meta.at) if each.role is role]
    return (*events, *within, *waits)


def waiting(principal: Principal, meta: Meta, role: Role, scope: RoleScope | None = None) -> RoleGrant | None:
    """The proposal of this role within this scope that can be approved now."""
    return next((each for each in principal.waiting(meta.at) if (each.role, each.scope) == (role, scope)), None)


def proposed(principal: Principal, meta: Meta, grant_id: UUID, wish: str) -> RoleGrant:
    """The proposal, while it waits. Raises Refused(not-found, invalid-transition)."""
    found = next((each for each in principal.grants if each.id == grant_id), None)
    if found is None:
        raise Refused(Code.NOT_FOUND, f"There is no grant {grant_id} of this principal.")
    status = found.status(meta.at)
    if status is not GrantStatus.PROPOSED:
        sentence = f"This grant is {status.value} and cannot be {wish} now."
        raise Refused(Code.INVALID_TRANSITION, sentence, current_status=status.value, allowed=[])
    return found


def _check_scope(role: Role, scope: RoleScope | None) -> None:
    if scope is not None and role in WITHOUT_SCOPE:
        sentence = f"The role {role.value} is about everything and takes no scope. Leave the scope out."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/scope")


def _rejected(meta: Meta, found: RoleGrant, reason: str | None = None) -> RoleRejected:
    return RoleRejected(meta=meta, grant_id=found.id, role=found.role, reason=reason, scope=found.scope)


def _not_allowed(sentence: str) -> Refused:
    return Refused(Code.APPROVAL_NOT_ALLOWED, sentence)
