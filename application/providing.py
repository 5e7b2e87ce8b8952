"""Providers outside (ACME, External CA): register, change, retire. Secrets go to the vault; events only name them."""

from typing import Any, Protocol
from uuid import UUID

import msgspec

from application import provider_secrets
from application.house import Attempt, Context, Done, House, Loaded, carry_out, check_version, load, reading_back, write
from application.naming import change_name, claim_name, release_name
from domain import ids, provider
from domain.certificate_order import Provider
from domain.errors import Code, Refused
from domain.provider import PROVIDER, ProviderRegistered, RegisteredProvider

_KIND = "provider"


class DescribeProvider(msgspec.Struct, frozen=True, kw_only=True):
    """The whole description of a provider; `secrets` None keeps those that are set."""

    provider: Provider
    name: str
    settings: dict[str, Any]
    secrets: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"DescribeProvider({self.name!r}, ...)"


class ProviderKinds(Protocol):
    """What the kinds of provider ask to be told."""

    def check(self, kind: Provider, settings: dict[str, Any], secrets: dict[str, str]) -> None:
        """Raise Refused(validation-failed) with a pointer into the body where settings or secrets cannot be used."""
        ...

    def check_change(self, kind: Provider, known: dict[str, Any], wanted: dict[str, Any]) -> None:
        """Raise Refused where that would be another CA: orders under way belong to the one they were given to."""
        ...


async def register_provider(
    house: House, context: Context, kinds: ProviderKinds, command: DescribeProvider
) -> Done[Loaded[RegisteredProvider]]:
    """A new provider; names are unique."""
    provider_id = ids.derive("provider", context.command_id)
    sealed = provider_secrets.sealing(house, context, provider_id, command.secrets or None)

    async def attempt() -> Attempt[Loaded[RegisteredProvider]]:
        if command.provider is Provider.LOCAL_PKI:
            raise Refused(Code.VALIDATION_FAILED, "Local PKI is built in; it needs no settings.", pointer="/provider")
        kinds.check(command.provider, command.settings, command.secrets or {})
        found = await load(house, PROVIDER, provider_id)
        claim = await claim_name(house, context, _KIND, command.name, provider_id)
        event = ProviderRegistered(
            meta=context.meta,
            provider=command.provider,
            name=command.name,
            settings=command.settings,
            secrets_version=await sealed.after(0),
            secrets_set=tuple(sorted(command.secrets or ())),
        )
        return Attempt((write(found, (event,)), *claim), found.after((event,)))

    again = reading_back(house, PROVIDER, provider_id)
    return await sealed.settle(
        carry_out(house, context, attempt, subject_id=provider_id, action="provider.register", again=again)
    )


async def change_provider(
    house: House, context: Context, kinds: ProviderKinds, provider_id: UUID, command: DescribeProvider
) -> Done[Loaded[RegisteredProvider]]:
    """The new description of a provider; `command.provider` is what it is already."""
    sealed = provider_secrets.sealing(house, context, provider_id, command.secrets)

    async def attempt() -> Attempt[Loaded[RegisteredProvider]]:
        found = await load(house, PROVIDER, provider_id)
        check_version(context, found)
        known = found.found
        secrets = command.secrets
        if secrets is None:
            secrets = await provider_secrets.read(house, provider_id, known.secrets_version) or {}
        kinds.check(known.provider, command.settings, secrets)
        kinds.check_change(known.provider, known.settings, command.settings)
        events = provider.change(
            known,
            context.meta,
            name=command.name,
            settings=command.settings,
            secrets_version=await sealed.after(known.secrets_version),
            secrets_set=tuple(sorted(secrets)),
        )
        claims = await change_name(house, context, _KIND, known.name, command.name, provider_id) if events else ()
        return Attempt((write(found, events), *claims), found.after(events))

    again = reading_back(house, PROVIDER, provider_id)
    return await sealed.settle(
        carry_out(house, context, attempt, subject_id=provider_id, action="provider.change", again=again)
    )


async def retire_provider(house: House, context: Context, provider_id: UUID) -> Done[Loaded[RegisteredProvider]]:
    """Takes no new orders any more; another one may have its name from now on."""

    async def attempt() -> Attempt[Loaded[RegisteredProvider]]:
        found = await load(house, PROVIDER, provider_id)
        check_version(context, found)
        events = provider.retire(found.found, context.meta)
        claim = await release_name(house, context, _KIND, found.found.name, provider_id) if events else ()
        return Attempt((write(found, events), *claim), found.after(events))

    again = reading_back(house, PROVIDER, provider_id)
    return await carry_out(house, context, attempt, subject_id=provider_id, action="provider.retire", again=again)
