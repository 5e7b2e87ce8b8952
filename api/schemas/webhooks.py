"""Webhooks and their deliveries."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.positions import LARGEST
from application.webhook_ports import DeliveryError, DeliveryStatus
from domain.web_address import LONGEST
from domain.webhook import DisabledReason

Url = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=LONGEST,
        description="http or https. It is shown in lists and kept in the ledger: put no password or token in it.",
        examples=["https://siem.example.org/certferry"],
    ),
]
TypePattern = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=r"^([a-z0-9_]+(\.[a-z0-9_]+)*(\.?\*)?|\*)(?![\s\S])",
        description="An event type; a trailing * stands for any rest.",
        examples=["certificate.deployment.*"],
    ),
]
Types = Annotated[tuple[TypePattern, ...], Meta(max_length=50, description="None: every type.")]
Subjects = Annotated[
    tuple[UUID, ...], Meta(max_length=50, description="Only events that name one of these ids. None: all events.")
]
Words = Annotated[str, Meta(max_length=200, pattern=r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*(?![\s\S])")]
Position = Annotated[int, Meta(ge=1, le=LARGEST)]


class CreateWebhookBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new webhook. `from_position`: the first event to send; by default the first one after the webhook was made."""

    url: Url
    description: Words = ""
    types: Types = ()
    subjects: Subjects = ()
    from_position: Position | None = None


class ChangeWebhookBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is. Enabled again, it goes on with the event where it stopped."""

    url: Url | UnsetType = UNSET
    description: Words | UnsetType = UNSET
    types: Types | UnsetType = UNSET
    subjects: Subjects | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class RotateSecretBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For `overlap_seconds` messages are signed with the former secret too."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=30 * 86_400)] = 86_400


class RedeliverBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything from this position on; one that was not reached yet skips what lies between."""

    from_position: Position


class WebhookBody(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook. How far it has come stands in its deliveries."""

    id: UUID
    url: str
    description: str
    types: tuple[str, ...]
    subjects: tuple[UUID, ...]
    enabled: bool
    disabled_reason: DisabledReason | None
    removed: bool
    former_secret_until: datetime | None


class IssuedWebhook(WebhookBody, frozen=True, kw_only=True):
    """A webhook with its new secret, which is shown once."""

    secret: Annotated[str, Meta(description="Standard Webhooks: `whsec_` and base64.")]


class WebhookPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of webhooks."""

    items: tuple[WebhookBody, ...]
    next_cursor: str | None


class DeliveryBody(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one webhook; its id is the `webhook-id` that was sent. `position` null: a test.

    `status_code` and `error` are those of the last attempt. What the receiver wrote is not kept.
    """

    id: UUID
    webhook_id: UUID
    position: int | None
    status: DeliveryStatus
    attempts: int
    status_code: int | None
    error: DeliveryError | None
    created_at: datetime
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    delivered_at: datetime | None


class DeliveryPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of deliveries. Everything up to `delivered_position` was delivered, or is not wanted; null: it has not
    begun.
    """

    delivered_position: int | None
    items: tuple[DeliveryBody, ...]
    next_cursor: str | None
