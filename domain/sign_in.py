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


class Invitation(msgspec.Struct, frozen=True):
    """An invitation that was not used yet."""

    secret_sha256: str
    expires_at: datetime


class SignIn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State: what this principal may show."""

    invitation: Invitation | None = None
    password_id: UUID | None = None
    password_set_at: datetime | None = None


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
    },
)
