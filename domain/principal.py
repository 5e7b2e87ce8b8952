"""People and programs: who they are, which roles they hold, with which tokens they come.

Who may do what is history too.
"""

import hmac
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.legal_hold import LegalHolds
from domain.personal import PersonName, WrittenText
from domain.subjects import person_behind

_replace = msgspec.structs.replace


class Role(StrEnum):
    """Roles add up; one principal may hold several."""

    REQUESTER = "requester"
    APPROVER = "approver"
    IMPLEMENTER = "implementer"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMIN = "admin"


class PrincipalCreated(Event, frozen=True, kw_only=True):
    """A person or a program is known from now on."""

    topic = "principal.created"
    name: PersonName
    kind: str = "user"


class PrincipalDisabled(Event, frozen=True, kw_only=True):
    """May no longer do anything; every token stops with it."""

    topic = "principal.disabled"


class ErasureReason(StrEnum):
    """Why personal data was erased (Regulation (EU) 2016/679, Article 17 (1))."""

    NO_LONGER_NECESSARY = "no_longer_necessary"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    OBJECTION = "objection"
    UNLAWFUL_PROCESSING = "unlawful_processing"
    LEGAL_OBLIGATION = "legal_obligation"


class SubjectErased(Event, frozen=True, kw_only=True):
    """The personal data of a principal is erased: so many keys are destroyed right after this. Holds none of it."""

    topic = "audit.subject.erased"
    principal_id: UUID
    reason: ErasureReason
    keys: int


class RoleGranted(Event, frozen=True, kw_only=True):
    """Holds this role from now on."""

    topic = "role.granted"
    role: Role


class RoleRevoked(Event, frozen=True, kw_only=True):
    """No longer holds this role."""

    topic = "role.revoked"
    role: Role


class TokenCreated(Event, frozen=True, kw_only=True):
    """An API token. Only the SHA-256 of its secret is kept (the secret is 256 random bits)."""

    topic = "token.created"
    principal_id: UUID
    name: WrittenText
    secret_sha256: str
    expires_at: datetime
    roles: tuple[Role, ...] | None = None


class TokenRevoked(Event, frozen=True, kw_only=True):
    """No longer accepted."""

    topic = "token.revoked"
    principal_id: UUID


class Principal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one principal."""

    name: str
    kind: str = "user"
    roles: tuple[Role, ...] = ()
    disabled: bool = False
    erased_at: datetime | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one token; `roles` None means all roles its owner holds at the time of use, never more."""

    principal_id: UUID
    name: str
    secret_sha256: str
    expires_at: datetime
    roles: tuple[Role, ...] | None = None
    revoked_at: datetime | None = None


def create(known: Principal | None, meta: Meta, *, name: str, kind: str = "user") -> tuple[Event, ...]:
    """A new principal."""
    if known is not None:
        raise Refused(Code.ALREADY_EXISTS, "There is a principal of this name already.", pointer="/name")
    return (PrincipalCreated(meta=meta, name=name, kind=kind),)


def grant(principal: Principal, meta: Meta, role: Role) -> tuple[Event, ...]:
    """One more role; one that is held already makes no event."""
    if principal.disabled:
        raise Refused(
            Code.INVALID_TRANSITION,
            "This principal is disabled and gets no role.",
            current_status="disabled",
            allowed=[],
        )
    return () if role in principal.roles else (RoleGranted(meta=meta, role=role),)


def revoke(principal: Principal, meta: Meta, role: Role) -> tuple[Event, ...]:
    """One role less."""
    return (RoleRevoked(meta=meta, role=role),) if role in principal.roles else ()


def disable(principal: Principal, meta: Meta) -> tuple[Event, ...]:
    """May no longer do anything; a repeat makes no event."""
    return () if principal.disabled else (PrincipalDisabled(meta=meta),)


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
        raise _not_now("Nobody erases themselves; another administrator does.")
    if held := holds.on(principal_id):
        raise Refused(
            Code.LEGAL_HOLD,
            "A legal hold keeps this principal's data. Release the hold first.",
            legal_hold_ids=[str(hold.id) for hold in held],
        )
    if Role.ADMIN in principal.roles and not principal.disabled and not other_admins:
        raise _not_now("This is the last administrator. Make another one first.")
    erased = SubjectErased(meta=meta, principal_id=principal_id, reason=reason, keys=keys)
    return (*disable(principal, meta), erased)


def _not_now(sentence: str) -> Refused:
    return Refused(Code.INVALID_TRANSITION, sentence, current_status="active", allowed=[])


def revoke_token(token: Token, meta: Meta) -> tuple[Event, ...]:
    """No longer accepted; a repeat makes no event."""
    return () if token.revoked_at else (TokenRevoked(meta=meta, principal_id=token.principal_id),)


def usable(token: Token, owner: Principal, secret_sha256: str, now: datetime) -> bool:
    """Does this secret, now, stand for its owner? Compared in constant time."""
    same = hmac.compare_digest(token.secret_sha256, secret_sha256)
    return same and token.revoked_at is None and now < token.expires_at and not owner.disabled


def roles_of(token: Token, owner: Principal) -> frozenset[Role]:
    """What the token may do: never more than its owner may do now."""
    held = frozenset(owner.roles)
    return held if token.roles is None else held & frozenset(token.roles)


def _granted(state: Principal, event: RoleGranted) -> Principal:
    return _replace(state, roles=(*state.roles, event.role))


def _revoked(state: Principal, event: RoleRevoked) -> Principal:
    return _replace(state, roles=tuple(role for role in state.roles if role is not event.role))


def _token(_: Token | None, event: TokenCreated) -> Token:
    return Token(
        principal_id=event.principal_id,
        name=event.name,
        secret_sha256=event.secret_sha256,
        expires_at=event.expires_at,
        roles=event.roles,
    )


PRINCIPAL: AggregateType[Principal] = AggregateType(
    name="principal",
    table={
        PrincipalCreated: lambda _, event: Principal(name=event.name, kind=event.kind),
        PrincipalDisabled: lambda state, _: _replace(state, disabled=True),
        SubjectErased: lambda state, event: _replace(state, disabled=True, erased_at=event.meta.at),
        RoleGranted: _granted,
        RoleRevoked: _revoked,
    },
)

TOKEN: AggregateType[Token] = AggregateType(
    name="token",
    table={TokenCreated: _token, TokenRevoked: lambda state, event: _replace(state, revoked_at=event.meta.at)},
)
