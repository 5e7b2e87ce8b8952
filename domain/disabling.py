"""Whoever may do nothing any more: disabled for a while, or erased for ever."""

from uuid import UUID

from domain.entity import Event, Meta
from domain.errors import Code, Refused
from domain.granting import reject_all
from domain.legal_hold import LegalHolds
from domain.principal import (
    ErasureReason,
    Principal,
    PrincipalDisabled,
    PrincipalEnabled,
    SubjectErased,
    check_not_last_admin,
    not_now,
)
from domain.subjects import person_behind


def disable(
    principal: Principal, meta: Meta, *, principal_id: UUID, other_admins: bool, reason: str | None = None
) -> tuple[Event, ...]:
    """May no longer do anything, and gets no role that waits; a repeat makes no event. `other_admins`: is there another
    administrator?
    """
    if principal.disabled:
        return ()
    if person_behind(meta.actor) == str(principal_id):
        raise not_now("Nobody disables themselves; another administrator does.")
    if not other_admins:
        check_not_last_admin(principal)
    return (*reject_all(principal, meta), PrincipalDisabled(meta=meta, reason=reason))


def enable(principal: Principal, meta: Meta, *, reason: str | None = None) -> tuple[Event, ...]:
    """May do again what the roles allow; a repeat makes no event."""
    if principal.erased_at is not None:
        raise Refused(
            Code.INVALID_TRANSITION,
            "This principal is erased, and stays disabled.",
            current_status="erased",
            allowed=[],
        )
    return (PrincipalEnabled(meta=meta, reason=reason),) if principal.disabled else ()


def erase(
    principal: Principal,
    meta: Meta,
    *,
    principal_id: UUID,
    reason: ErasureReason,
    keys: int,
    holds: LegalHolds,
    other_admins: bool,
) -> tuple[Event, ...]:
    """Personal data goes, and with it every right to act; a repeat makes no event.

    `keys`: how many will be destroyed. `other_admins`: is there an administrator besides this principal?
    """
    if principal.erased_at is not None:
        return ()
    if person_behind(meta.actor) == str(principal_id):
        raise not_now("Nobody erases themselves; another administrator does.")
    if held := holds.on(principal_id):
        raise Refused(
            Code.LEGAL_HOLD,
            "A legal hold keeps this principal's data. Release the hold first.",
            legal_hold_ids=[str(hold.id) for hold in held],
        )
    if not other_admins:
        check_not_last_admin(principal)
    erased = SubjectErased(meta=meta, principal_id=principal_id, reason=reason, keys=keys)
    return (erased,) if principal.disabled else (*reject_all(principal, meta), PrincipalDisabled(meta=meta), erased)
