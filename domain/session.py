"""Sessions of people at the pages: opened by a proof of who they are, over by themselves or by a word."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.principal import Principal
from domain.role_grant import Role

_replace = msgspec.structs.replace


class Proof(StrEnum):
    """How somebody showed who they are."""

    PASSWORD = "password"  # noqa: S105 (a kind of proof)
    INVITATION = "invitation"
    OIDC = "oidc"
    TOKEN = "token"  # noqa: S105 (see above)


class EndReason(StrEnum):
    """Why a session was ended before its time."""

    SIGNED_OUT = "signed_out"
    SIGNED_OUT_ELSEWHERE = "signed_out_elsewhere"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 (a reason)
    DISABLED = "disabled"


class SessionOpened(Event, frozen=True, kw_only=True):
    """Somebody signed in. `token_id`: by this token, which the session is worth no more than. `roles`: those it is
    narrowed to, None for all that its owner holds.
    """

    topic = "session.opened"
    principal_id: UUID
    proof: Proof
    expires_at: datetime
    token_id: UUID | None = None
    roles: tuple[Role, ...] | None = None


class SessionEnded(Event, frozen=True, kw_only=True):
    """Signed out, here or from elsewhere."""

    topic = "session.ended"
    principal_id: UUID
    reason: EndReason


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one session. `address`: where it was opened from, sealed."""

    principal_id: UUID
    proof: Proof
    opened_at: datetime
    expires_at: datetime
    address: str | None = None
    token_id: UUID | None = None
    roles: tuple[Role, ...] | None = None
    ended_at: datetime | None = None


def open_session(
    known: Session | None,
    owner: Principal,
    meta: Meta,
    *,
    principal_id: UUID,
    proof: Proof,
    expires_at: datetime,
    token_id: UUID | None = None,
    roles: tuple[Role, ...] | None = None,
) -> tuple[Event, ...]:
    """A new session of somebody who may do something; what was proven once opens one session."""
    if known is not None:
        raise Refused(Code.INVALID_TRANSITION, "This sign-in was used already. Begin it again.")
    if proof is not Proof.TOKEN and owner.kind != "user":
        raise Refused(Code.FORBIDDEN, "A program does not sign in at the pages.")
    if owner.disabled:
        raise Refused(Code.FORBIDDEN, "This account is not active any more. Ask an administrator.")
    opened = SessionOpened(
        meta=meta, principal_id=principal_id, proof=proof, expires_at=expires_at, token_id=token_id, roles=roles
    )
    return (opened,)


def end(session: Session, meta: Meta, reason: EndReason) -> tuple[Event, ...]:
    """No longer accepted; a repeat makes no event."""
    over = session.ended_at is not None or session.expires_at <= meta.at
    return () if over else (SessionEnded(meta=meta, principal_id=session.principal_id, reason=reason),)


def counts(session: Session, owner: Principal, now: datetime) -> bool:
    """Is whoever comes with this session, now, its owner?"""
    return session.ended_at is None and now < session.expires_at and not owner.disabled


def roles_within(session: Session, owner: Principal) -> frozenset[Role]:
    """What the session may do: never more than its owner may do now."""
    held = frozenset(owner.roles)
    return held if session.roles is None else held & frozenset(session.roles)


def _opened(_: Session | None, event: SessionOpened) -> Session:
    return Session(
        principal_id=event.principal_id,
        proof=event.proof,
        opened_at=event.meta.at,
        expires_at=event.expires_at,
        address=event.meta.client_address,
        token_id=event.token_id,
        roles=event.roles,
    )


SESSION: AggregateType[Session] = AggregateType(
    name="session",
    table={SessionOpened: _opened, SessionEnded: lambda state, event: _replace(state, ended_at=event.meta.at)},
)
