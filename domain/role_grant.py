"""Roles, and how somebody comes to hold one: approver and implementer by the word of two people (four eyes).

A grant is proposed by one person, and approved or rejected by another one. Nothing can be done with a role that is
proposed.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.act import Act, act_of
from domain.entity import Event
from domain.personal import WrittenText
from domain.role_scope import RoleScope

_replace = msgspec.structs.replace
EXPIRES_AFTER = timedelta(days=7)
"""How long a proposal can be approved: as long as a push request waits by default."""


class Role(StrEnum):
    """Roles add up; one principal may hold several."""

    REQUESTER = "requester"
    APPROVER = "approver"
    IMPLEMENTER = "implementer"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMIN = "admin"


FOUR_EYES = frozenset({Role.APPROVER, Role.IMPLEMENTER})
"""The roles on which pushes rest: nobody gives them alone."""

WITHOUT_SCOPE = frozenset({Role.AUDITOR, Role.ADMIN})
"""The roles that are about everything: they take no scope."""


class ScopedRole(msgspec.Struct, frozen=True):
    """A role that is held within a scope."""

    role: Role
    scope: RoleScope


class RoleProposed(Event, frozen=True, kw_only=True):
    """Somebody wants this principal to hold a role. It does not hold it yet."""

    topic = "role.proposed"
    grant_id: UUID
    role: Role
    scope: RoleScope | None = None


class RoleGranted(Event, frozen=True, kw_only=True):
    """Holds this role from now on, within a scope or everywhere. `grant_id`: what was proposed, and is approved by
    this.
    """

    topic = "role.granted"
    role: Role
    grant_id: UUID | None = None
    scope: RoleScope | None = None


class RoleRejected(Event, frozen=True, kw_only=True):
    """What was proposed is not granted: somebody said no, took it back, or disabled the principal."""

    topic = "role.rejected"
    grant_id: UUID
    role: Role
    reason: WrittenText | None = None
    scope: RoleScope | None = None


class RoleRevoked(Event, frozen=True, kw_only=True):
    """No longer holds this role within this scope; without one: no longer everywhere."""

    topic = "role.revoked"
    role: Role
    scope: RoleScope | None = None


class GrantStatus(StrEnum):
    """`expired` is a function of the clock, never an event."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


class RoleGrant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One proposal, and what became of it."""

    id: UUID
    role: Role
    scope: RoleScope | None = None
    proposed: Act
    approved: Act | None = None
    rejected: Act | None = None
    reason: str | None = None

    @property
    def expires_at(self) -> datetime:
        """From when on it can no longer be approved."""
        return self.proposed.at + EXPIRES_AFTER

    def status(self, now: datetime) -> GrantStatus:
        """How it stands at an instant."""
        if self.approved is not None:
            return GrantStatus.APPROVED
        if self.rejected is not None:
            return GrantStatus.REJECTED
        return GrantStatus.EXPIRED if now >= self.expires_at else GrantStatus.PROPOSED


def begun(event: RoleProposed) -> RoleGrant:
    """The grant that an event proposes."""
    return RoleGrant(id=event.grant_id, role=event.role, scope=event.scope, proposed=act_of(event))


def decided(grant: RoleGrant, event: RoleGranted | RoleRejected) -> RoleGrant:
    """The grant after somebody said yes or no."""
    if isinstance(event, RoleGranted):
        return _replace(grant, approved=act_of(event))
    return _replace(grant, rejected=act_of(event), reason=event.reason)


def after(grants: tuple[RoleGrant, ...], event: RoleProposed | RoleGranted | RoleRejected) -> tuple[RoleGrant, ...]:
    """All grants of a principal after one more event."""
    if isinstance(event, RoleProposed):
        return (*grants, begun(event))
    return tuple(decided(each, event) if each.id == event.grant_id else each for each in grants)
