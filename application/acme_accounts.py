"""Accounts of ACME clients: open, change the key, deactivate, revoke (RFC 8555, 7.3)."""

from uuid import UUID

from application.acme_eab import check_may_order
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
from application.ports import Change
from domain import acme_account, acme_eab_key, ids
from domain.acme_account import ACME_ACCOUNT, AccountKey, AcmeAccount, AcmeAccountCreated
from domain.acme_eab_key import ACME_EAB_KEY
from domain.claim import CLAIM, Claim, Claimed, Released
from domain.entity import Actor, ActorKind
from domain.errors import Code, Refused
from domain.principal import PRINCIPAL

Account = Loaded[AcmeAccount]
_KIND = "acme-account-key"


def client(account_id: UUID, principal_id: UUID) -> Actor:
    """An ACME client: its account, and the principal that it acts for."""
    return Actor(ActorKind.ACME_CLIENT, str(account_id), on_behalf_of=str(principal_id))


async def account_with(house: House, thumbprint: str) -> Account | None:
    """The account that has this key now, whatever became of it."""
    claim = await _claim(house, thumbprint)
    return await load(house, ACME_ACCOUNT, claim.state.holder_id) if claim.state and claim.state.holder_id else None


async def open_account(
    house: House, context: Context, account_id: UUID, eab_key_id: UUID, key: AccountKey
) -> Done[Account]:
    """A new account, which the key for external account binding vouches for; or the one that has this key already."""

    async def attempt() -> Attempt[Account]:
        claim = await _claim(house, key.thumbprint)
        if claim.state is not None and claim.state.holder_id is not None:
            return Attempt((), await load(house, ACME_ACCOUNT, claim.state.holder_id))
        binding = await load(house, ACME_EAB_KEY, eab_key_id)
        acme_eab_key.check_usable(binding.found, context.at)
        principal = await load(house, PRINCIPAL, binding.found.principal_id)
        check_may_order(principal.found)
        known = await load(house, ACME_ACCOUNT, account_id)
        event = AcmeAccountCreated(meta=context.meta, principal_id=principal.id, eab_key_id=binding.id, key=key)
        taken = Claimed(meta=context.meta, kind=_KIND, holder_id=account_id)
        changes = (write(known, (event,)), write(claim, (taken,)), write(binding, ()), write(principal, ()))
        return Attempt(changes, known.after((event,)))

    return await carry_out(house, context, attempt, subject_id=account_id, action="acme.account.create")


async def change_key(house: House, context: Context, account_id: UUID, key: AccountKey) -> Done[Account]:
    """Another key, which no other account has."""

    async def attempt() -> Attempt[Account]:
        account = await load(house, ACME_ACCOUNT, account_id)
        events = acme_account.change_key(account.found, context.meta, key)
        claims = await _hand_over(house, context, account, key) if events else ()
        return Attempt((write(account, events), *claims), account.after(events))

    return await carry_out(house, context, attempt, subject_id=account_id, action="acme.account.change_key")


async def deactivate_account(house: House, context: Context, account_id: UUID) -> Done[Account]:
    """Its client gives it up, for ever."""

    async def attempt() -> Attempt[Account]:
        account = await load(house, ACME_ACCOUNT, account_id)
        events = acme_account.deactivate(account.found, context.meta)
        return Attempt((write(account, events),), account.after(events))

    return await carry_out(house, context, attempt, subject_id=account_id, action="acme.account.deactivate")


async def revoke_account(house: House, context: Context, account_id: UUID) -> Done[Account]:
    """Closed by somebody here, for ever; its certificates stay as they are."""

    async def attempt() -> Attempt[Account]:
        account = await load(house, ACME_ACCOUNT, account_id)
        check_version(context, account)
        events = acme_account.revoke(account.found, context.meta)
        return Attempt((write(account, events),), account.after(events))

    again = reading_back(house, ACME_ACCOUNT, account_id)
    return await carry_out(house, context, attempt, subject_id=account_id, action="acme.account.revoke", again=again)


async def _hand_over(house: House, context: Context, account: Account, key: AccountKey) -> tuple[Change, ...]:
    """The new key is this account's; the former one is nobody's."""
    wanted, former = await _claim(house, key.thumbprint), await _claim(house, account.found.key.thumbprint)
    if wanted.state is not None and wanted.state.holder_id is not None:
        raise Refused(Code.ALREADY_EXISTS, "Another account has this key.", account_id=str(wanted.state.holder_id))
    taken = Claimed(meta=context.meta, kind=_KIND, holder_id=account.id)
    released = Released(meta=context.meta, kind=_KIND, holder_id=account.id)
    return write(wanted, (taken,)), write(former, (released,))


async def _claim(house: House, thumbprint: str) -> Loaded[Claim]:
    return await load(house, CLAIM, ids.derive(_KIND, thumbprint))
