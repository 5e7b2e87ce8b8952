"""The secrets of providers."""

from uuid import UUID

from application import sealed_secrets
from application.house import Context, House
from application.sealed_secrets import Described, Sealing
from domain.entity import Event
from domain.provider import ProviderChanged, ProviderRegistered, RegisteredProvider


def _of_event(event: Event) -> int:
    return event.secrets_version if isinstance(event, ProviderRegistered | ProviderChanged) else 0


_PROVIDERS: Described[RegisteredProvider] = Described(
    "provider-secrets", lambda state: state.secrets_version, _of_event
)


def sealing(
    house: House, context: Context, provider_id: UUID, secrets: dict[str, str] | None
) -> Sealing[RegisteredProvider]:
    """The secrets of one command while it is carried out; None leaves those that are set."""
    return Sealing(house, context, _PROVIDERS, provider_id, secrets)


async def read(house: House, provider_id: UUID, version: int) -> dict[str, str] | None:
    """The secrets of a version, empty for version 0 (none were ever set); None where they are no longer kept."""
    return await sealed_secrets.read(house, _PROVIDERS, provider_id, version)
