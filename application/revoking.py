"""Revoking a certificate (manual "Revoking a Certificate"): a code is shown, and typed in again within five minutes.

Only a keyed hash of the code is kept, sealed in the vault, until it is used or too old. It is bound to the dialog, the
person and the certificate, so what fits one fits no other.
"""

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    carry_out,
    check_version,
    decide,
    load,
    reading_back,
    shown_once,
    write,
)
from application.personal import sealed
from application.reaching import of_certificate
from domain import ids, revocation
from domain.approval import person_of
from domain.certificate import CERTIFICATE, Certificate
from domain.revocation import REVOCATION_REQUEST, RevocationReason

_KEY_OWNER = ids.derive("confirmation-codes", "key")
_KEY, _CODE = "confirmation code key", "confirmation code"


class Challenge(NamedTuple):
    """Shown once."""

    id: UUID
    confirmation_code: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Challenge({self.id})"


class ConfirmRevocation(msgspec.Struct, frozen=True, kw_only=True):
    """Confirm Revoke."""

    certificate_id: UUID
    revocation_request_id: UUID
    confirmation_code: str
    reason: RevocationReason = RevocationReason.UNSPECIFIED
    comment: str | None = None

    def __repr__(self) -> str:
        return f"ConfirmRevocation({self.revocation_request_id})"


async def request_revocation(house: House, context: Context, certificate_id: UUID) -> Done[Challenge]:
    """Open the dialog: a fresh code."""
    request_id = ids.derive("revocation-request", context.command_id)
    code = f"{secrets.randbelow(1_000_000):06d}"

    async def attempt() -> Attempt[Challenge]:
        certificate = await load(house, CERTIFICATE, certificate_id)
        within = context.concerning(of_certificate(certificate.found))
        check_version(context, certificate)
        asked = await load(house, REVOCATION_REQUEST, request_id)
        events = revocation.request(
            certificate.found, context.meta, certificate_id=certificate_id, request_id=request_id
        )
        digest = await _keyed_hash(house, request_id, certificate_id, person_of(context.actor), code)
        await house.vault.keep_first(request_id, _CODE, digest)
        shown = Challenge(request_id, code, asked.after(events).found.expires_at)
        return Attempt((write(asked, events), write(certificate, ())), shown, within)

    action = "certificate.revoke.request"
    return await carry_out(house, context, attempt, subject_id=certificate_id, action=action, again=shown_once)


async def revoke_certificate(house: House, context: Context, wish: ConfirmRevocation) -> Done[Loaded[Certificate]]:
    """Confirm Revoke: permanent, also for an expired certificate. Every refusal is told on the dialog's own stream."""
    comment = await sealed(house.texts, context.actor, wish.comment)

    async def attempt() -> Attempt[Loaded[Certificate]]:
        # First of all: the code is forgotten after the revocation, so whoever misses it sees the certificate revoked.
        matches = await _matches(house, context, wish)
        certificate = await load(house, CERTIFICATE, wish.certificate_id)
        known = certificate.found
        within = context.concerning(of_certificate(known))
        check_version(context, certificate)
        asked = await load(house, REVOCATION_REQUEST, wish.revocation_request_id)
        asked.named_by("/revocation_request_id")
        events = decide(
            asked,
            lambda found: revocation.confirm(
                found,
                known,
                context.meta,
                request_id=wish.revocation_request_id,
                certificate_id=wish.certificate_id,
                matches=matches,
                reason=wish.reason,
                comment=comment,
            ),
        )
        return Attempt((write(certificate, events), write(asked, ())), certificate.after(events), within)

    again = reading_back(house, CERTIFICATE, wish.certificate_id)
    done = await carry_out(
        house, context, attempt, subject_id=wish.certificate_id, action="certificate.revoke", again=again
    )
    await forget_code(house, wish.revocation_request_id)
    return done


async def forget_code(house: House, request_id: UUID) -> None:
    """The code was used, or is too old. Again is harmless."""
    await house.vault.forget(request_id)


async def _matches(house: House, context: Context, wish: ConfirmRevocation) -> bool:
    kept = await house.vault.kept(wish.revocation_request_id, _CODE)
    person = person_of(context.actor)
    given = await _keyed_hash(house, wish.revocation_request_id, wish.certificate_id, person, wish.confirmation_code)
    return kept is not None and hmac.compare_digest(kept, given)


async def _keyed_hash(house: House, request_id: UUID, certificate_id: UUID, person: str, code: str) -> bytes:
    """HMAC-SHA256 under a key of this installation's own, sealed like all keys."""
    key = await house.vault.kept(_KEY_OWNER, _KEY)
    if key is None:
        key = await house.vault.keep_first(_KEY_OWNER, _KEY, secrets.token_bytes(32))
    bound = "\x1f".join((str(request_id), str(certificate_id), person, code))
    return hmac.digest(key, bound.encode(), hashlib.sha256)
