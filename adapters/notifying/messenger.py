"""`application.notification_ports.Messenger`: mail by SMTP, webhooks signed as Standard Webhooks has it."""

from collections.abc import Awaitable, Callable
from datetime import UTC
from typing import Any

import msgspec

from adapters.issuers.registered import convert
from adapters.notifying.kinds import signing_secret
from adapters.notifying.letters import letter
from adapters.notifying.mail import Mailer
from adapters.notifying.settings import MailSecrets, MailSettings, WebhookSecrets, WebhookSettings
from adapters.webhooks.sending import Sender
from application.delivering import signed_headers
from application.notification_ports import Message, NotificationError, Sent
from application.ports import Clock
from domain.notification_channel import ChannelKind
from projections.audit_trail.cloud_events import Origin


class ChannelMessenger:
    """By kind of channel."""

    def __init__(self, mailer: Mailer, sender: Sender, origin: Callable[[], Awaitable[Origin]], clock: Clock) -> None:
        self._mailer = mailer
        self._sender = sender
        self._origin = origin
        self._clock = clock

    async def send(
        self, kind: ChannelKind, settings: dict[str, Any], secrets: dict[str, str], message: Message
    ) -> Sent:
        """See Messenger.send."""
        if kind is ChannelKind.MAIL:
            mail: MailSettings = convert(settings, MailSettings, "/settings")
            held: MailSecrets = convert(secrets, MailSecrets, "/secrets")
            return await self._mailer.send(mail, held, letter(message, mail.from_address, message.to or mail.to))
        place: WebhookSettings = convert(settings, WebhookSettings, "/settings")
        return await self._post(place, convert(secrets, WebhookSecrets, "/secrets"), message)

    async def _post(self, settings: WebhookSettings, secrets: WebhookSecrets, message: Message) -> Sent:
        secret = signing_secret(secrets.signing_secret or "")
        if secret is None:
            return Sent(NotificationError.SECRETS_MISSING)
        body = _cloud_event(message, (await self._origin()).source)
        headers = signed_headers(message.id, self._clock(), body, [secret])
        answer = await self._sender.send(settings.url, headers, body)
        return Sent(NotificationError(answer.error.value) if answer.error is not None else None, answer.status_code)


def _cloud_event(message: Message, source: str) -> bytes:
    """CloudEvents 1.0, as the events of webhooks."""
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": str(message.id),
            "source": source,
            "type": message.topic,
            "subject": str(message.about),
            "time": message.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": message.data,
        }
    )
