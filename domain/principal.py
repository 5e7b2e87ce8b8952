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
from domain.personal import PersonName, WrittenText
from domain.role_grant import (
    GrantStatus,
    Role,
    RoleGrant,
    RoleGranted,
    RoleProposed,
    RoleRejected,
    RoleRevoked,
    ScopedRole,
    after,
)

_replace = msgspec.structs.replace


class PrincipalCreated(Event, frozen=True, kw_only=True):
    """A person or a program is known from now on."""

    topic = "principal.created"
    name: PersonName
    kind: str = "user"


class PrincipalDisabled(Event, frozen=True, kw_only=True):
    """May no longer do anything; every token, session and invitation ends with it."""

    topic = "principal.disabled"
    reason: WrittenText | None = None


class PrincipalEnabled(Event, frozen=True, kw_only=True):
    """May do again what the roles allow. What ended when it was disabled stays ended."""

    topic = "principal.enabled"
    reason: WrittenText | None = None


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
    reason: WrittenText | None = None


class TokenStatus(StrEnum):
    """Whether a token is accepted now, as far as that lies with the token."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Principal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one principal. `roles` are held everywhere, `scoped` within a scope: whoever asks for `roles` alone asks
    for what counts whatever it is about. `grants` are the roles that were proposed, in that order.
    """

    name: str
    kind: str = "user"
    roles: tuple[Role, ...] = ()
    scoped: tuple[ScopedRole, ...] = ()
    grants: tuple[RoleGrant, ...] = ()
    disabled: bool = False
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    erased_at: datetime | None = None

    @property
    def any_roles(self) -> frozenset[Role]:
        """Those held everywhere and those held within scopes: what lets somebody read."""
        return frozenset((*self.roles, *(each.role for each in self.scoped)))

    def waiting(self, now: datetime) -> tuple[RoleGrant, ...]:
        """The roles that can be approved at an instant."""
        return tuple(each for each in self.grants if each.status(now) is GrantStatus.PROPOSED)


class Token(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one token; `roles` None means all roles its owner holds at the time of use, never more."""

    principal_id: UUID
    name: str
    secret_sha256: str
    created_at: datetime
    expires_at: datetime
    roles: tuple[Role, ...] | None = None
    revoked_at: datetime | None = None
    revoked_reason: str | None = None


def create(known: Principal | None, meta: Meta, *, name: str, kind: str = "user") -> tuple[Event, ...]:
    """A new principal."""
    if known is not None:
        raise Refused(Code.ALREADY_EXISTS, "There is a principal of this name already.", pointer="/name")
    return (PrincipalCreated(meta=meta, name=name, kind=kind),)


def check_enabled(principal: Principal, sentence: str) -> None:
    """Whoever is disabled gets nothing more."""
    if principal.disabled:
        raise Refused(
            Code.INVALID_TRANSITION,
            f"This principal is disabled and {sentence}.",
            current_status="disabled",
            allowed=[],
        )


def check_not_last_admin(principal: Principal) -> None:
    """Where there is no other administrator: somebody has to be able to make another one."""
    if Role.ADMIN in principal.roles and not principal.disabled:
        raise not_now("This is the last administrator. Make another one first.")


def not_now(sentence: str) -> Refused:
    """Of a principal that is active, and stays so."""
    return Refused(Code.INVALID_TRANSITION, sentence, current_status="active", allowed=[])


def revoke_token(token: Token, meta: Meta, reason: str | None = None) -> tuple[Event, ...]:
    """No longer accepted; a repeat makes no event."""
    return () if token.revoked_at else (TokenRevoked(meta=meta, principal_id=token.principal_id, reason=reason),)


def token_status(token: Token, now: datetime) -> TokenStatus:
    """Revoked wins over expired."""
    if token.revoked_at is not None:
        return TokenStatus.REVOKED
    return TokenStatus.ACTIVE if now < token.expires_at else TokenStatus.EXPIRED


def usable(token: Token, owner: Principal, secret_sha256: str, now: datetime) -> bool:
    """Does this secret, now, stand for its owner? Compared in constant time."""
    same = hmac.compare_digest(token.secret_sha256, secret_sha256)
    return same and token_status(token, now) is TokenStatus.ACTIVE and not owner.disabled


def roles_of(token: Token, owner: Principal) -> frozenset[Role]:
    """What the token may do: never more than its owner may do now."""
    held = frozenset(owner.roles)
    return held if token.roles is None else held & frozenset(token.roles)


def scoped_within(owner: Principal, narrowed: tuple[Role, ...] | None) -> frozenset[ScopedRole]:
    """The roles within scopes that a token or session may use: its owner's, as far as it is not narrowed to others."""
    return frozenset(each for each in owner.scoped if narrowed is None or each.role in narrowed)


def _granted(state: Principal, event: RoleGranted) -> Principal:
    grants = after(state.grants, event) if event.grant_id is not None else state.grants
    if event.scope is not None:
        return _replace(state, scoped=(*state.scoped, ScopedRole(event.role, event.scope)), grants=grants)
    return _replace(state, roles=(*state.roles, event.role), grants=grants)


def _revoked(state: Principal, event: RoleRevoked) -> Principal:
    if event.scope is not None:
        gone = ScopedRole(event.role, event.scope)
        return _replace(state, scoped=tuple(each for each in state.scoped if each != gone))
    return _replace(state, roles=tuple(role for role in state.roles if role is not event.role))


def _of_grants(state: Principal, event: RoleProposed | RoleRejected) -> Principal:
    return _replace(state, grants=after(state.grants, event))


def _token(_: Token | None, event: TokenCreated) -> Token:
    return Token(
        principal_id=event.principal_id,
        name=event.name,
        secret_sha256=event.secret_sha256,
        created_at=event.meta.at,
        expires_at=event.expires_at,
        roles=event.roles,
    )


PRINCIPAL: AggregateType[Principal] = AggregateType(
    name="principal",
    table={
        PrincipalCreated: lambda _, event: Principal(name=event.name, kind=event.kind),
        PrincipalDisabled: lambda state, event: _replace(
            state, disabled=True, disabled_at=event.meta.at, disabled_reason=event.reason
        ),
        PrincipalEnabled: lambda state, _: _replace(state, disabled=False, disabled_at=None, disabled_reason=None),
        SubjectErased: lambda state, event: _replace(state, disabled=True, erased_at=event.meta.at),
        RoleProposed: _of_grants,
        RoleGranted: _granted,
        RoleRejected: _of_grants,
        RoleRevoked: _revoked,
    },
)

TOKEN: AggregateType[Token] = AggregateType(
    name="token",
    table={
        TokenCreated: _token,
        TokenRevoked: lambda state, event: _replace(state, revoked_at=event.meta.at, revoked_reason=event.reason),
    },
)
