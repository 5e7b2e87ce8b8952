"""People sign in: invitations and passwords. Sessions are opened and ended in application/sessions.py.

A password's hash is sealed in the vault under an id of its own before the event that names it commits, as secrets of
target systems are: a command that is refused replaces nothing.
"""

import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from application.administering import secret_hash
from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    carry_out,
    check_version,
    load,
    reading_back,
    shown_once,
    write,
)
from application.personal import sealed_for
from application.sessions import end_sessions
from application.signing_in_ports import Passwords
from domain import ids, sign_in
from domain.entity import Event
from domain.errors import Code, Refused
from domain.principal import PRINCIPAL, Principal
from domain.session import EndReason
from domain.sign_in import SIGN_IN, InvitationCreated, PasswordSet, SignIn, check_password, stream_of

_CODE = re.compile(r"cfi_([0-9a-f]{32})_([A-Za-z0-9_-]{16,128})", re.ASCII)
_HASH = "argon2id"
_NOBODY = ids.derive("sign-in", "nobody")
_Decide = Callable[[SignIn | None], tuple[Event, ...]]


class Invited(NamedTuple):
    """Shown once: `cfi_<principal id>_<secret>`. `version`: the principal's."""

    principal_id: UUID
    text: str
    expires_at: datetime
    version: int

    def __repr__(self) -> str:
        return f"Invited({self.principal_id})"


async def invite(house: House, context: Context, principal_id: UUID) -> Done[Invited]:
    """A one-time invitation: whoever has its text sets this person's password, first or anew."""
    secret = secrets.token_urlsafe(32)
    expires_at = context.at + timedelta(seconds=house.settings.invitation_seconds)

    async def attempt() -> Attempt[Invited]:
        person = await load(house, PRINCIPAL, principal_id)
        _check_person(person.found)
        known = await load(house, SIGN_IN, stream_of(principal_id))
        event = InvitationCreated(
            meta=context.meta, principal_id=principal_id, secret_sha256=secret_hash(secret), expires_at=expires_at
        )
        invited = Invited(principal_id, f"cfi_{principal_id.hex}_{secret}", expires_at, person.version)
        return Attempt((write(known, (event,)), write(person, ())), invited)

    return await carry_out(
        house, context, attempt, subject_id=principal_id, action="principal.invite", again=shown_once
    )


async def invited(house: House, text: str, now: datetime) -> UUID | None:
    """Whom the text of an invitation lets in now; None for whatever is no invitation that counts."""
    match = _CODE.fullmatch(text)
    principal_id = UUID(match[1]) if match else _NOBODY
    known = await load(house, SIGN_IN, stream_of(principal_id))
    person = (await load(house, PRINCIPAL, principal_id)).state
    opens = sign_in.opens(known.state, secret_hash(match[2] if match else ""), now)
    return principal_id if opens and person is not None and not person.disabled else None


async def accept_invitation(
    house: House, passwords: Passwords, context: Context, text: str, password: str
) -> Done[UUID]:
    """Set the password by an invitation, which is used up; every session of the person ends."""
    match = _CODE.fullmatch(text)
    if match is None:
        raise Refused(Code.FORBIDDEN, "This is no invitation.")
    principal_id, given = UUID(match[1]), secret_hash(match[2])

    def decide(known: SignIn | None) -> tuple[Event, ...]:
        return sign_in.accept(
            known, context.meta, principal_id=principal_id, secret_sha256=given, password_id=_password_id(context)
        )

    return await _set(house, passwords, context, principal_id, password, decide)


async def change_password(
    house: House, passwords: Passwords, context: Context, principal_id: UUID, current: str, password: str, keep: UUID
) -> Done[UUID]:
    """The person sets another password, and shows that they know the one before. Their sessions end but `keep`."""
    known = (await load(house, SIGN_IN, stream_of(principal_id))).state
    if not await passwords.match(await _kept(house, known), current):
        raise Refused(Code.VALIDATION_FAILED, "This is not your password.", pointer="/current")
    before = known.password_id if known is not None else None

    def decide(now: SignIn | None) -> tuple[Event, ...]:
        if now is None or now.password_id != before:
            raise Refused(Code.VERSION_CONFLICT, "Your password was changed meanwhile. Sign in again.")
        return (PasswordSet(meta=context.meta, principal_id=principal_id, password_id=_password_id(context)),)

    return await _set(house, passwords, context, principal_id, password, decide, keep)


async def known_by_password(house: House, passwords: Passwords, name: str, password: str) -> UUID | None:
    """Who has this name and this password; None, after the same work, for everything else."""
    principal_id = await house.texts.id_of(name) or _NOBODY
    person = (await load(house, PRINCIPAL, principal_id)).state
    known = (await load(house, SIGN_IN, stream_of(principal_id))).state
    matches = await passwords.match(await _kept(house, known), password[: sign_in.LONGEST + 1])
    return principal_id if matches and person is not None and not person.disabled else None


async def sign_in_of(house: House, principal_id: UUID) -> SignIn:
    """How this person may sign in."""
    return (await load(house, SIGN_IN, stream_of(principal_id))).state or SignIn()


async def bind_identity(house: House, context: Context, principal_id: UUID, identity: str) -> Done[UUID]:
    """The account at the provider that somebody came with stands for them from now on, and no other does."""

    async def attempt() -> Attempt[UUID]:
        owner = await load(house, PRINCIPAL, principal_id)
        _check_person(owner.found)
        known = await load(house, SIGN_IN, stream_of(principal_id))
        bound = known.state.identity if known.state is not None else None
        events = sign_in.bind_identity(
            known.state,
            context.meta,
            principal_id=principal_id,
            identity=bound or await sealed_for(house.texts, principal_id, "text", identity, pointer="/sub"),
            same=bound is not None and (await house.texts.open([bound])).get(bound) == identity,
        )
        return Attempt((write(known, events), write(owner, ())), principal_id)

    return await carry_out(house, context, attempt, subject_id=principal_id, action="identity.bind")


async def release_identity(house: House, context: Context, principal_id: UUID) -> Done[Loaded[Principal]]:
    """The next account that comes by this person's name is bound instead."""

    async def attempt() -> Attempt[Loaded[Principal]]:
        owner = await load(house, PRINCIPAL, principal_id)
        check_version(context, owner)
        _ = owner.found
        known = await load(house, SIGN_IN, stream_of(principal_id))
        events = sign_in.release_identity(known.state, context.meta, principal_id)
        return Attempt((write(known, events), write(owner, ())), owner)

    again = reading_back(house, PRINCIPAL, principal_id)
    return await carry_out(house, context, attempt, subject_id=principal_id, action="identity.release", again=again)


async def forget_password(house: House, principal_id: UUID) -> None:
    """Of somebody who is erased: the hash goes; again is harmless."""
    known = (await load(house, SIGN_IN, stream_of(principal_id))).state
    if known is not None and known.password_id is not None:
        await house.vault.forget(known.password_id)


async def _set(
    house: House,
    passwords: Passwords,
    context: Context,
    principal_id: UUID,
    password: str,
    decide: _Decide,
    keep: UUID | None = None,
) -> Done[UUID]:
    person = (await load(house, PRINCIPAL, principal_id)).found
    check_password(password, (await house.texts.open([person.name])).get(person.name, person.name))
    password_id, before = _password_id(context), None
    await house.vault.keep_first(password_id, _HASH, (await passwords.hash(password)).encode())

    async def attempt() -> Attempt[UUID]:
        nonlocal before
        owner: Loaded[Principal] = await load(house, PRINCIPAL, principal_id)
        _check_person(owner.found)
        known = await load(house, SIGN_IN, stream_of(principal_id))
        before = known.state.password_id if known.state is not None else None
        return Attempt((write(known, decide(known.state)), write(owner, ())), principal_id)

    try:
        done = await carry_out(house, context, attempt, subject_id=principal_id, action="password.set")
    except Refused:  # any other error leaves open whether the change was committed
        await house.vault.forget(password_id)
        raise
    if before is not None:
        await house.vault.forget(before)
    reason = EndReason.PASSWORD_CHANGED
    ended = await end_sessions(house, context.part("sessions"), principal_id, reason, keep=keep)
    return Done(result=principal_id, position=max(done.position, ended.position))


async def _kept(house: House, known: SignIn | None) -> str | None:
    if known is None or known.password_id is None:
        return None
    kept = await house.vault.kept(known.password_id, _HASH)
    return kept.decode() if kept is not None else None


def _password_id(context: Context) -> UUID:
    return ids.derive("password", context.command_id)


def _check_person(owner: Principal) -> None:
    if owner.kind != "user":
        raise Refused(Code.INVALID_TRANSITION, "A program does not sign in at the pages. Give it a token.")
    if owner.disabled:
        raise Refused(Code.INVALID_TRANSITION, "This principal is disabled and does not sign in.")
