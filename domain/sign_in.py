"""How a person shows who they are at the pages: an invitation used once, a password, an identity of a provider.

One stream per principal, beside the principal's own: who signs in how does not change what they may do.
"""

import hmac
from datetime import datetime
from uuid import UUID

import msgspec

from domain import ids
from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.personal import WrittenText

SHORTEST, LONGEST = 12, 128
"""Characters of a password (NIST SP 800-63B-4, 3.1.1.2: length counts, composition does not)."""
_replace = msgspec.structs.replace


class InvitationCreated(Event, frozen=True, kw_only=True):
    """Whoever has the secret may set the password, once. Only its SHA-256 is kept (the secret is 256 random bits). It
    takes the place of any invitation before.
    """

    topic = "invitation.created"
    principal_id: UUID
    secret_sha256: str
    expires_at: datetime


class InvitationRevoked(Event, frozen=True, kw_only=True):
    """The invitation that was not used yet opens nothing any more."""

    topic = "invitation.revoked"
    principal_id: UUID


class PasswordSet(Event, frozen=True, kw_only=True):
    """A new password. Its hash is sealed in the vault under `password_id`, and never in the ledger. Any invitation is
    used up by it.
    """

    topic = "password.set"
    principal_id: UUID
    password_id: UUID


class IdentityBound(Event, frozen=True, kw_only=True):
    """From now on this account at the provider is the only one that stands for the principal. `identity` is the
    provider's issuer and subject (OpenID Connect Core 1.0, 2: together they are unique and never given to another).
    """

    topic = "identity.bound"
    principal_id: UUID
    identity: WrittenText


class IdentityReleased(Event, frozen=True, kw_only=True):
    """The next account that comes by the principal's name is bound instead."""

    topic = "identity.released"
    principal_id: UUID


class Invitation(msgspec.Struct, frozen=True):
    """An invitation that was not used yet."""

    secret_sha256: str
    expires_at: datetime


class SignIn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State: what this principal may show."""

    invitation: Invitation | None = None
    password_id: UUID | None = None
    password_set_at: datetime | None = None
    identity: str | None = None
    identity_bound_at: datetime | None = None


def stream_of(principal_id: UUID) -> UUID:
    """The stream of a principal's ways to sign in."""
    return ids.derive("sign-in", principal_id)


def opens(state: SignIn | None, secret_sha256: str, now: datetime) -> bool:
    """Is this the secret of the invitation that counts now? Compared in constant time."""
    invitation = state.invitation if state is not None else None
    known = invitation.secret_sha256 if invitation is not None else "0" * 64
    same = hmac.compare_digest(known, secret_sha256)
    return same and invitation is not None and now < invitation.expires_at


def accept(
    state: SignIn | None, meta: Meta, *, principal_id: UUID, secret_sha256: str, password_id: UUID
) -> tuple[Event, ...]:
    """The invitation is used for a first or a new password."""
    if not opens(state, secret_sha256, meta.at):
        raise Refused(Code.FORBIDDEN, "This invitation was used already, or is too old. Ask for a new one.")
    return (PasswordSet(meta=meta, principal_id=principal_id, password_id=password_id),)


def revoke_invitation(state: SignIn | None, meta: Meta, principal_id: UUID) -> tuple[Event, ...]:
    """An invitation that was not used is not accepted any more; where there is none, no event."""
    waits = state is not None and state.invitation is not None
    return (InvitationRevoked(meta=meta, principal_id=principal_id),) if waits else ()


def bind_identity(
    state: SignIn | None, meta: Meta, *, principal_id: UUID, identity: str, same: bool
) -> tuple[Event, ...]:
    """Whoever comes first by the principal's name is bound, and no other counts until that is released. `same`: is it
    the one that is bound?
    """
    if state is None or state.identity is None:
        return (IdentityBound(meta=meta, principal_id=principal_id, identity=identity),)
    if not same:
        sentence = "Another account at the provider stands for this person here. An administrator can release it."
        raise Refused(Code.FORBIDDEN, sentence)
    return ()


def release_identity(state: SignIn | None, meta: Meta, principal_id: UUID) -> tuple[Event, ...]:
    """Where none is bound, no event."""
    bound = state is not None and state.identity is not None
    return (IdentityReleased(meta=meta, principal_id=principal_id),) if bound else ()


def check_password(password: str, name: str, pointer: str = "/password") -> None:
    """Refuse a password that is too short, too long, or contains the person's name."""
    sentence = None
    if len(password) < SHORTEST:
        sentence = f"Use at least {SHORTEST} characters. A few words in a row are easy to remember."
    elif len(password) > LONGEST:
        sentence = f"Use at most {LONGEST} characters."
    elif len(set(password)) < 4:
        sentence = "Use at least four different characters."
    elif len(name) > 3 and name.casefold() in password.casefold():
        sentence = "Do not use your name."
    if sentence is not None:
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)


SIGN_IN: AggregateType[SignIn] = AggregateType(
    name="sign_in",
    table={
        InvitationCreated: lambda state, event: _replace(
            state or SignIn(), invitation=Invitation(event.secret_sha256, event.expires_at)
        ),
        InvitationRevoked: lambda state, _: _replace(state or SignIn(), invitation=None),
        PasswordSet: lambda state, event: _replace(
            state or SignIn(), invitation=None, password_id=event.password_id, password_set_at=event.meta.at
        ),
        IdentityBound: lambda state, event: _replace(
            state or SignIn(), identity=event.identity, identity_bound_at=event.meta.at
        ),
        IdentityReleased: lambda state, _: _replace(state or SignIn(), identity=None, identity_bound_at=None),
    },
)
