"""Keys for external account binding: made for a principal, shown once, revoked (RFC 8555, 7.3.4)."""

import secrets
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from application.changing import change_one
from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    carry_out,
    load,
    shown_once,
    write,
)
from application.personal import sealed_for
from domain import acme_eab_key, ids
from domain.acme_eab_key import ACME_EAB_KEY, AcmeEabKey, AcmeEabKeyCreated
from domain.entity import ActorKind, Event
from domain.errors import Code, Refused
from domain.principal import PRINCIPAL, Principal
from domain.roles import Permission, check_role
from domain.subjects import person_behind

_MAC_KEY = "acme-eab-mac-key"
KEY_BYTES = 32
_MINUS = 62


class IssuedEabKey(NamedTuple):
    """A key with its MAC key, which is shown once."""

    key: Loaded[AcmeEabKey]
    mac_key: bytes

    def __repr__(self) -> str:
        return f"IssuedEabKey({self.key.id})"


async def create_eab_key(
    house: House, context: Context, principal_id: UUID, name: str, *, days: int, for_anybody: bool
) -> Done[IssuedEabKey]:
    """A key with which ACME accounts are opened that act for a principal.

    `for_anybody` (administrators): also for other people; otherwise for oneself, and for programs.
    """
    key_id = ids.derive("acme-eab-key", context.command_id)

    async def attempt() -> Attempt[IssuedEabKey]:
        owner = await load(house, PRINCIPAL, principal_id)
        _check_owner(owner.named_by("/principal_id"), context, principal_id, for_anybody=for_anybody)
        known = await load(house, ACME_EAB_KEY, key_id)
        event = AcmeEabKeyCreated(
            meta=context.meta,
            principal_id=principal_id,
            name=await sealed_for(house.texts, principal_id, "text", name, pointer="/name"),
            expires_at=context.at + timedelta(days=days),
        )
        mac_key = await house.vault.keep_first(key_id, _MAC_KEY, new_mac_key())
        return Attempt((write(known, (event,)), write(owner, ())), IssuedEabKey(known.after((event,)), mac_key))

    return await carry_out(
        house, context, attempt, subject_id=principal_id, action="acme.eab_key.create", again=shown_once
    )


def new_mac_key() -> bytes:
    """A random key. Its base64url does not begin with a minus: command lines (certbot's) take that for an option."""
    while True:
        made = secrets.token_bytes(KEY_BYTES)
        if made[0] >> 2 != _MINUS:
            return made


def _check_owner(owner: Principal, context: Context, principal_id: UUID, *, for_anybody: bool) -> None:
    if owner.disabled:
        sentence = "This principal is disabled."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/principal_id")
    program = owner.kind in {ActorKind.COURIER.value, ActorKind.ACME_CLIENT.value}
    if not (for_anybody or program or person_behind(context.actor) == str(principal_id)):
        sentence = "Only an administrator makes keys that act for other people."
        raise Refused(Code.FORBIDDEN, sentence, pointer="/principal_id")


async def revoke_eab_key(house: House, context: Context, key_id: UUID) -> Done[Loaded[AcmeEabKey]]:
    """No account is opened with it any more; those that were go on."""

    def decide(known: AcmeEabKey) -> tuple[Event, ...]:
        return acme_eab_key.revoke(known, context.meta)

    done = await change_one(house, context, ACME_EAB_KEY, key_id, "acme.eab_key.revoke", decide)
    await house.vault.forget(key_id)
    return done


async def mac_key_of(house: House, key_id: UUID) -> bytes | None:
    """What a client's binding must be authenticated with; None where there is no such key (any more)."""
    return await house.vault.kept(key_id, _MAC_KEY)


def check_may_order(principal: Principal) -> None:
    """Refuse what is done for a principal that may not order certificates (any more)."""
    if principal.disabled:
        raise Refused(Code.FORBIDDEN, "The principal of this account is disabled.")
    check_role(frozenset(principal.roles), Permission.ORDER)
