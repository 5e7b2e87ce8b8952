"""Erasing a person: the event first, then the key; whoever is killed in between leaves no doubt about what is to come.

From the event on nobody opens the person's texts (adapters.keys.postgres_subjects); the reaction to it destroys the key
where the command did not come so far, and takes the tokens back.
"""

from uuid import UUID

from application.administering import other_administrators, revoke_token
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
    write,
)
from application.signing_in import forget_password
from domain import disabling
from domain.legal_hold import LEGAL_HOLDS, REGISTER, LegalHolds
from domain.principal import PRINCIPAL, ErasureReason, Principal


async def erase_subject(
    house: House, context: Context, subject: UUID, reason: ErasureReason
) -> Done[Loaded[Principal]]:
    """Erase the personal data of a principal, who may do nothing any more from then on."""

    async def attempt() -> Attempt[Loaded[Principal]]:
        known = await load(house, PRINCIPAL, subject)
        check_version(context, known)
        holds = await load(house, LEGAL_HOLDS, REGISTER)
        admins = await other_administrators(house, known)
        events = disabling.erase(
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
