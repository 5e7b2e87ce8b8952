"""Roles are given and taken. Approver and implementer are proposed by one person and approved by another one."""

from uuid import UUID

from domain.entity import Event, Meta
from domain.errors import Code, Refused
from domain.principal import Principal, check_enabled, check_not_last_admin
from domain.role_grant import (
    FOUR_EYES,
    GrantStatus,
    Role,
    RoleGrant,
    RoleGranted,
    RoleProposed,
    RoleRejected,
    RoleRevoked,
)
from domain.subjects import person_behind


def grant(principal: Principal, meta: Meta, role: Role, *, grant_id: UUID) -> tuple[Event, ...]:
    """One more role; of approver and implementer the proposal, under `grant_id`, unless no person acts (the command
    line of the server's own host). What is held or waits already makes no event.
    """
    check_enabled(principal, "gets no role")
    if role in principal.roles:
        return ()
    if role not in FOUR_EYES or person_behind(meta.actor) is None:
        return (RoleGranted(meta=meta, role=role),)
    return () if waiting(principal, meta, role) else (RoleProposed(meta=meta, grant_id=grant_id, role=role),)


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
    return (RoleGranted(meta=meta, role=found.role, grant_id=grant_id),)


def reject(principal: Principal, meta: Meta, grant_id: UUID, *, reason: str | None = None) -> tuple[Event, ...]:
    """No, by anybody who may approve, or taken back by whoever proposed it."""
    found = proposed(principal, meta, grant_id, "rejected")
    return (RoleRejected(meta=meta, grant_id=grant_id, role=found.role, reason=reason),)


def reject_all(principal: Principal, meta: Meta) -> tuple[Event, ...]:
    """Nothing that waits is granted any more."""
    return tuple(each for role in sorted(FOUR_EYES) for each in _withdrawn(principal, meta, role))


def revoke(principal: Principal, meta: Meta, role: Role, *, other_admins: bool = True) -> tuple[Event, ...]:
    """One role less, or no longer proposed. `other_admins`: is there an administrator besides this principal?"""
    if role not in principal.roles:
        return _withdrawn(principal, meta, role)
    if role is Role.ADMIN and not other_admins:
        check_not_last_admin(principal)
    return (RoleRevoked(meta=meta, role=role),)


def waiting(principal: Principal, meta: Meta, role: Role) -> RoleGrant | None:
    """The proposal of this role that can be approved now."""
    return next((each for each in principal.waiting(meta.at) if each.role is role), None)


def latest(principal: Principal, role: Role) -> RoleGrant:
    """The last proposal of this role. Raises Refused(not-found)."""
    found = next((each for each in reversed(principal.grants) if each.role is role), None)
    if found is None:
        raise Refused(Code.NOT_FOUND, f"The role {role.value} was never proposed for this principal.")
    return found


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


def _withdrawn(principal: Principal, meta: Meta, role: Role) -> tuple[Event, ...]:
    found = waiting(principal, meta, role)
    return (RoleRejected(meta=meta, grant_id=found.id, role=role),) if found is not None else ()


def _not_allowed(sentence: str) -> Refused:
    return Refused(Code.APPROVAL_NOT_ALLOWED, sentence)
