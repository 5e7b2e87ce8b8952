"""A principal may do nothing any more, or again. Tokens, sessions and invitations end in the same append.

Enabling ends what the read models did not show yet when the principal was disabled: nothing comes back by it.
"""

from collections.abc import Collection, Sequence
from typing import Any, TypeVar
from uuid import UUID

from application.administering import other_administrators
from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    carry_out,
    check_version,
    load,
    load_many,
    reading_back,
    write,
)
from application.personal import sealed
from application.ports import Change
from domain import disabling, principal, session, sign_in
from domain.entity import AggregateType, Event
from domain.principal import PRINCIPAL, TOKEN, Principal
from domain.session import SESSION, EndReason
from domain.sign_in import SIGN_IN, stream_of

S = TypeVar("S")


async def disable_principal(
    house: House, context: Context, subject: UUID, reason: str | None = None
) -> Done[Loaded[Principal]]:
    """From the next request on."""

    async def attempt() -> Attempt[Loaded[Principal]]:
        known = await load(house, PRINCIPAL, subject)
        check_version(context, known)
        admins = await other_administrators(house, known)
        events = disabling.disable(
            known.found,
            context.meta,
            principal_id=subject,
            other_admins=bool(admins),
            reason=await sealed(house.texts, context.actor, reason, pointer="/reason"),
        )
        if not events:
            return Attempt((write(known, ()),), known)
        # Two administrators who disable each other: one of both has to look again.
        asserted = [write(admin, ()) for admin in admins[:1]]
        return Attempt((write(known, events), *asserted, *await _endings(house, context, subject)), known.after(events))

    again = reading_back(house, PRINCIPAL, subject)
    return await carry_out(house, context, attempt, subject_id=subject, action="principal.disable", again=again)


async def enable_principal(
    house: House, context: Context, subject: UUID, reason: str | None = None
) -> Done[Loaded[Principal]]:
    """With the roles that are held; a way to sign in or a token is made anew."""

    async def attempt() -> Attempt[Loaded[Principal]]:
        known = await load(house, PRINCIPAL, subject)
        check_version(context, known)
        said = await sealed(house.texts, context.actor, reason, pointer="/reason")
        events = disabling.enable(known.found, context.meta, reason=said)
        endings = await _endings(house, context, subject) if events else []
        return Attempt((write(known, events), *endings), known.after(events))

    again = reading_back(house, PRINCIPAL, subject)
    return await carry_out(house, context, attempt, subject_id=subject, action="principal.enable", again=again)


async def _endings(house: House, context: Context, subject: UUID) -> list[Change]:
    """What somebody might come in with."""
    meta = context.meta
    tokens = await _all(house, TOKEN, await house.hints.tokens_of(subject))
    sessions = await _all(house, SESSION, await house.hints.sessions_of(subject, context.at))
    ways = await load(house, SIGN_IN, stream_of(subject))
    found: list[tuple[Loaded[Any], tuple[Event, ...]]] = [
        *((each, principal.revoke_token(each.found, meta)) for each in tokens),
        *((each, session.end(each.found, meta, EndReason.DISABLED)) for each in sessions),
        (ways, sign_in.revoke_invitation(ways.state, meta, subject)),
    ]
    return [write(each, events) for each, events in found if events]


async def _all(house: House, kind: AggregateType[S], ids: Sequence[UUID]) -> Collection[Loaded[S]]:
    return (await load_many(house, kind, ids)).values() if ids else ()
