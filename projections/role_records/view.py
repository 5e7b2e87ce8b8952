"""The record of a principal, and of a token: every change of what they may do, with its position."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.entity import Actor
from domain.role_grant import Role
from domain.role_scope import RoleScope
from projections.scope import known


class Grant(StrEnum):
    """What can happen to a principal or a token."""

    CREATED = "created"
    DISABLED = "disabled"
    ENABLED = "enabled"
    GRANTED = "granted"
    REVOKED = "revoked"


class GrantFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change, and who made it; `role` of `granted` and `revoked` of a principal, within a `scope` or everywhere."""

    change: Grant
    position: int
    at: datetime
    actor: Actor
    role: Role | None = None
    scope: RoleScope | None = None


class RoleRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A principal, or a token of one (`principal_id` is then its owner's); their changes in the order of the ledger.

    `roles` of a token None: all that its owner holds.
    """

    kind: str
    principal_id: UUID
    token: bool = False
    roles: tuple[Role, ...] | None = None
    expires_at: datetime | None = None
    facts: tuple[GrantFact, ...]

    def known(self, position: int) -> "RoleRecord":
        """As it was at a position, which is not before its first change."""
        return msgspec.structs.replace(self, facts=known(self.facts, position))

    def held(self, position: int) -> frozenset[Role]:
        """The roles of a principal after the event at a position, within whatever scope."""
        roles: set[tuple[Role, RoleScope | None]] = set()
        disabled = False
        for fact in self.facts:
            if fact.position > position:
                break
            if fact.change in (Grant.DISABLED, Grant.ENABLED):
                disabled = fact.change is Grant.DISABLED
            elif fact.role is not None:
                (roles.add if fact.change is Grant.GRANTED else roles.discard)((fact.role, fact.scope))
        return frozenset() if disabled else frozenset(role for role, _ in roles)
