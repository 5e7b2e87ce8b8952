"""Deliveries of webhooks: how far each has come, what was tried. Operations, not history."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec


class DeliveryStatus(StrEnum):
    """`failed`: not tried any more. (What is in turn never fails: the webhook is disabled instead.)"""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryError(StrEnum):
    """Why an attempt failed: a closed list, never a text of the receiver's."""

    REFUSED_BY_POLICY = "refused_by_policy"  # nothing was sent: an address is not on the allow-list
    NO_SUCH_NAME = "no_such_name"
    TIMEOUT = "timeout"
    CONNECTION_REFUSED = "connection_refused"
    NO_ROUTE = "no_route"
    LOCAL_ERROR = "local_error"  # our machine could not open a connection
    TLS_ERROR = "tls_error"  # no handshake, or a certificate that is not trusted for this name
    CONNECTION_LOST = "connection_lost"
    NOT_HTTP = "not_http"
    REDIRECTED = "redirected"  # 3xx: never followed
    REJECTED = "rejected"  # 4xx
    GONE = "gone"  # 410: the webhook is disabled
    UNAVAILABLE = "unavailable"  # 5xx


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one webhook. `position` None: a test. `attempts` counts all of them, `failures` those in a row
    since it was last wanted, `failing_since` the first of these.
    """

    id: UUID
    webhook_id: UUID
    position: int | None
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    failures: int = 0
    failing_since: datetime | None = None
    status_code: int | None = None
    error: DeliveryError | None = None
    created_at: datetime
    last_attempt_at: datetime | None = None
    next_attempt_at: datetime | None = None
    delivered_at: datetime | None = None


class Standing(NamedTuple):
    """Everything up to `position` was delivered, or is not wanted. `turn` counts how often somebody set it."""

    position: int
    turn: int


class Listed(NamedTuple):
    """Some deliveries, each with its number, and how far the webhook has come; None before its first event."""

    position: int | None
    deliveries: Sequence[tuple[int, Delivery]]


class Deliveries(Protocol):
    """The delivery log, and the standing of each webhook."""

    async def standing(self, webhook_id: UUID, first_position: int) -> Standing:
        """How far it has come; before the first event it stands just before `first_position`."""
        ...

    async def advance(self, webhook_id: UUID, standing: Standing) -> None:
        """Nothing up to `standing.position` is wanted, what is still pending of it neither. Nothing happens where
        somebody has set the position since.
        """
        ...

    async def record(self, delivery: Delivery, standing: Standing | None = None) -> None:
        """Keep how an attempt ended and, where given, the standing that follows from it, in one transaction."""
        ...

    async def add(self, delivery: Delivery) -> None:
        """A message that is wanted out of turn; the deliverer is woken. The same id twice is one message."""
        ...

    async def again(self, delivery: Delivery, at: datetime) -> Delivery:
        """Wanted again, now, out of turn where its turn is over; the deliverer is woken. As it is then."""
        ...

    async def restart(self, webhook_id: UUID, from_position: int) -> None:
        """Everything from a position on, in turn; the deliverer is woken. What was wanted before it is not any more."""
        ...

    async def wake(self) -> None:
        """A webhook was changed: the deliverer looks at it at once (and by itself after half a minute)."""
        ...

    async def waiting(self, webhook_id: UUID, position: int) -> Sequence[Delivery]:
        """Pending messages whose turn is over at `position` (and tests), the next one first."""
        ...

    async def get(self, delivery_id: UUID) -> Delivery | None:
        """One delivery."""
        ...

    async def list(
        self, webhook_id: UUID, *, status: Sequence[DeliveryStatus] = (), before: int | None = None, limit: int = 50
    ) -> Listed:
        """Deliveries, newest first, below number `before`."""
        ...
