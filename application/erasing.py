"""Erasing a person: the event first, then the key; whoever is killed in between leaves no doubt about what is to come.

From the event on nobody opens the person's texts (adapters.keys.postgres_subjects); the reaction to it destroys the key
where the command did not come so far, and takes the tokens back.
"""

from uuid import UUID

from application.administering import revoke_token
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
from application.signing_in import forget_password
from domain import principal
from domain.legal_hold import LEGAL_HOLDS, REGISTER, LegalHolds
from domain.principal import PRINCIPAL, ErasureReason, Principal, Role


async def erase_subject(
    house: House, context: Context, subject: UUID, reason: ErasureReason
) -> Done[Loaded[Principal]]:
    """Erase the personal data of a principal, who may do nothing any more from then on."""

    async def attempt() -> Attempt[Loaded[Principal]]:
        known = await load(house, PRINCIPAL, subject)
        check_version(context, known)
        holds = await load(house, LEGAL_HOLDS, REGISTER)
        admins = await _other_admins(house, known)
        events = principal.erase(
            known.found,
            context.meta,
            principal_id=subject,
            reason=reason,
            keys=await house.texts.keys(subject),
            holds=holds.state or LegalHolds(),
            other_admins=bool(admins),
        )
        # Two administrators who erase each other, or a hold set meanwhile: one of both has to look again.
        asserted = (write(holds, ()), *(write(admin, ()) for admin in admins[:1])) if events else ()
        return Attempt((write(known, events), *asserted), known.after(events))

    again = reading_back(house, PRINCIPAL, subject)
    done = await carry_out(house, context, attempt, subject_id=subject, action="principal.erase", again=again)
    await house.texts.destroy(subject)
    return done


async def finish_erasure(house: House, context: Context, subject: UUID) -> None:
    """Of somebody who is erased: destroy the key, forget the password, take the tokens back; again is harmless."""
    await house.texts.destroy(subject)
    await forget_password(house, subject)
    for token_id in await house.hints.tokens_of(subject):
        await revoke_token(house, context.part(token_id), token_id)


async def _other_admins(house: House, subject: Loaded[Principal]) -> list[Loaded[Principal]]:
    """Administrators besides this principal, from their own streams; asked for where this one is an administrator."""
    if subject.state is None or Role.ADMIN not in subject.state.roles:
        return []
    others = [known for known in await house.hints.administrators() if known != subject.id]
    found = (await load_many(house, PRINCIPAL, others)).values()
    return [each for each in found if each.state and not each.state.disabled and Role.ADMIN in each.state.roles]
