"""The secrets of notification channels."""

from uuid import UUID

from application import sealed_secrets
from application.house import Context, House
from application.sealed_secrets import Described, Sealing
from domain.entity import Event
from domain.notification_channel import NotificationChannel, NotificationChannelChanged, NotificationChannelCreated


def _of_event(event: Event) -> int:
    if isinstance(event, NotificationChannelCreated | NotificationChannelChanged):
        return event.terms.secrets_version
    return 0


_CHANNELS: Described[NotificationChannel] = Described(
    "notification-channel-secrets", lambda state: state.terms.secrets_version, _of_event
)


def sealing(
    house: House, context: Context, channel_id: UUID, secrets: dict[str, str] | None
) -> Sealing[NotificationChannel]:
    """The secrets of one command while it is carried out; None leaves those that are set."""
    return Sealing(house, context, _CHANNELS, channel_id, secrets)


async def read(house: House, channel_id: UUID, version: int) -> dict[str, str] | None:
    """The secrets of a version, empty for version 0 (none were ever set); None where they are no longer kept."""
    return await sealed_secrets.read(house, _CHANNELS, channel_id, version)
