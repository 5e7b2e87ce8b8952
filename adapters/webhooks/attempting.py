"""One attempt: the message of a delivery, signed with the secrets that count now, sent, and what follows from it."""

from collections.abc import Awaitable, Callable
from datetime import UTC
from random import random
from typing import NamedTuple
from uuid import UUID

import msgspec

from adapters.webhooks.sending import Sender
from application import delivering, webhook_secrets
from application.delivering import Answer
from application.house import House, Loaded
from application.opening import open_json
from application.webhook_ports import Deliveries, Delivery, DeliveryStatus
from domain.webhook import Webhook
from projections.audit_trail.cloud_events import Origin, encoded
from projections.audit_trail.view import AuditEvent, AuditTrail
from projections.position import ReadPosition


class DeliverySettings(msgspec.Struct, frozen=True, kw_only=True):
    """`give_up_after`: seconds for which one event may fail. `longest`: bytes of a message; beyond them `dataref`."""

    give_up_after: float = 3 * 86_400.0
    longest: int = 256 * 1024


class Post(NamedTuple):
    """What deliveries need."""

    house: House
    trail: AuditTrail
    position: ReadPosition
    deliveries: Deliveries
    sender: Sender
    origin: Callable[[], Awaitable[Origin]]
    settings: DeliverySettings = DeliverySettings()


class Attempts:
    """Attempts of one webhook."""

    def __init__(self, post: Post, webhook_id: UUID) -> None:
        self._post = post
        self._id = webhook_id

    def first(self, event: AuditEvent) -> Delivery:
        """The delivery of an event that was never tried."""
        return Delivery(
            id=delivering.delivery_id(self._id, event.position),
            webhook_id=self._id,
            position=event.position,
            created_at=self._post.house.clock(),
        )

    def seconds_until(self, delivery: Delivery) -> float:
        """Until the next attempt; 0: it is due."""
        if delivery.next_attempt_at is None:
            return 0.0
        return max((delivery.next_attempt_at - self._post.house.clock()).total_seconds(), 0.0)

    async def make(
        self, found: Loaded[Webhook], delivery: Delivery, event: AuditEvent | None = None
    ) -> tuple[Delivery, Answer]:
        """Send it (`event`, where it is at hand), and the delivery after that."""
        body = await self._body(delivery, event)
        clock = self._post.house.clock
        at = clock()
        secrets = await webhook_secrets.signing(self._post.house, self._id, found.found, at)
        if not secrets:
            raise RuntimeError(f"the vault holds no secret of webhook {self._id}: nothing is sent unsigned")
        headers = delivering.signed_headers(delivery.id, at, body, secrets)
        answer = await self._post.sender.send(found.found.subscription.url, headers, body)
        wanted = msgspec.structs.replace(delivery, status=DeliveryStatus.PENDING)
        return delivering.after(wanted, clock(), answer, random()), answer  # noqa: S311 - jitter is no secret

    async def _body(self, delivery: Delivery, event: AuditEvent | None) -> bytes:
        origin = await self._post.origin()
        if delivery.position is None:
            return _test(delivery, origin)
        event = event or await self._post.trail.get(delivery.position)
        assert event is not None, "what was delivered once stands in the ledger for ever"
        # Personal texts are opened: what was delivered is in the receiver's hands.
        shown = msgspec.structs.replace(event, payload=await open_json(self._post.house.texts, event.payload))
        return encoded(shown, origin, self._post.settings.longest)


def _test(delivery: Delivery, origin: Origin) -> bytes:
    """A message in the same envelope that is no event."""
    attributes = {
        "specversion": "1.0",
        "id": str(delivery.id),
        "source": origin.source,
        "type": "webhook.test",
        "subject": str(delivery.webhook_id),
        "time": delivery.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {"message": "A test of this webhook. It is no event of the ledger."},
    }
    return msgspec.json.encode(attributes)
