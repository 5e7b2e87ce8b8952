"""A CA outside that orders go through: which kind, where it is, what it was told about it; secrets lie in the vault.

Local PKI is built in and is not registered.
"""

from typing import Any

import msgspec

from domain.certificate_order import Provider
from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused


class ProviderRegistered(Event, frozen=True, kw_only=True):
    """A new provider; `secrets_set` are the names of secrets that were given, never their values."""

    topic = "provider.registered"
    provider: Provider
    name: str
    settings: dict[str, Any]
    secrets_version: int = 0
    secrets_set: tuple[str, ...] = ()


class ProviderChanged(Event, frozen=True, kw_only=True):
    """The whole new description."""

    topic = "provider.changed"
    name: str
    settings: dict[str, Any]
    secrets_version: int = 0
    secrets_set: tuple[str, ...] = ()


class ProviderRetired(Event, frozen=True, kw_only=True):
    """Takes no new orders any more; those under way come to their end."""

    topic = "provider.retired"


class RegisteredProvider(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one provider. `settings` follow its kind; `secrets_version` counts changes of the secrets."""

    provider: Provider
    name: str
    settings: dict[str, Any]
    secrets_version: int = 0
    secrets_set: tuple[str, ...] = ()
    retired: bool = False


def change(
    known: RegisteredProvider,
    meta: Meta,
    *,
    name: str,
    settings: dict[str, Any],
    secrets_version: int,
    secrets_set: tuple[str, ...],
) -> tuple[Event, ...]:
    """The new description; the same one again makes no event."""
    if known.retired:
        raise _retired(known)
    fresh = msgspec.structs.replace(
        known, name=name, settings=settings, secrets_version=secrets_version, secrets_set=secrets_set
    )
    if fresh == known:
        return ()
    return (
        ProviderChanged(
            meta=meta, name=name, settings=settings, secrets_version=secrets_version, secrets_set=secrets_set
        ),
    )


def retire(known: RegisteredProvider, meta: Meta) -> tuple[Event, ...]:
    """Retire once; a repeat makes no event."""
    return () if known.retired else (ProviderRetired(meta=meta),)


def check_takes_orders(known: RegisteredProvider, kind: Provider) -> None:
    """Refuse orders through a provider that is retired, or of another kind than the order says."""
    if known.retired:
        sentence = f"The provider {known.name} is retired; choose another one."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/provider_id")
    if known.provider is not kind:
        sentence = f"{known.name} is a provider of the kind {known.provider.value}, the order says {kind.value}."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/provider_id")


def _retired(known: RegisteredProvider) -> Refused:
    return Refused(
        Code.INVALID_TRANSITION,
        f"{known.name} is retired; register it again to use it.",
        current_status="retired",
        allowed=[],
    )


def _registered(_: RegisteredProvider | None, event: ProviderRegistered) -> RegisteredProvider:
    return RegisteredProvider(
        provider=event.provider,
        name=event.name,
        settings=event.settings,
        secrets_version=event.secrets_version,
        secrets_set=event.secrets_set,
    )


def _changed(state: RegisteredProvider, event: ProviderChanged) -> RegisteredProvider:
    return msgspec.structs.replace(
        state,
        name=event.name,
        settings=event.settings,
        secrets_version=event.secrets_version,
        secrets_set=event.secrets_set,
    )


PROVIDER: AggregateType[RegisteredProvider] = AggregateType(
    name="provider",
    table={
        ProviderRegistered: _registered,
        ProviderChanged: _changed,
        ProviderRetired: lambda state, _: msgspec.structs.replace(state, retired=True),
    },
)
