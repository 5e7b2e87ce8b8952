"""A place that events are posted to as they happen: what is sent where, signed with which version of a secret.

The secret itself lives in the vault. How far the deliveries have come is no history; that somebody let events be sent
again, and that a webhook was switched off, is.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.entity import AggregateType, Event, Meta, unchanged
from domain.errors import Code, Refused
from domain.texts import verbatim

_replace = msgspec.structs.replace


class DisabledReason(StrEnum):
    """Why nothing is sent any more."""

    BY_HAND = "by_hand"
    GONE = "gone"  # the receiver answered 410 Gone
    FAILING = "failing"  # one event could not be delivered for too long


class Subscription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sent where. `types` are topics, a trailing `*` stands for any rest; `subject_ids` are ids that an event
    must name. Several values of one field mean "or", both fields "and"; an empty one narrows nothing.
    """

    url: str
    description: str = ""
    types: tuple[str, ...] = ()
    subject_ids: tuple[UUID, ...] = ()


class WebhookCreated(Event, frozen=True, kw_only=True):
    """A new webhook. Events are sent from `from_position` on, without one from this event on."""

    topic = "webhook.created"
    subscription: Subscription
    secret_version: int
    from_position: int | None = None


class WebhookChanged(Event, frozen=True, kw_only=True):
    """The whole new description. `secret_version` counts the secrets; until `former_secret_until` messages are signed
    with that of `former_secret_version` too.
    """

    topic = "webhook.changed"
    subscription: Subscription
    secret_version: int
    former_secret_version: int | None = None
    former_secret_until: datetime | None = None
    enabled: bool = True


class WebhookDisabled(Event, frozen=True, kw_only=True):
    """Nothing is sent any more; what happens meanwhile is sent when it is enabled again. `position` is the event that
    could not be delivered, where there is one.
    """

    topic = "webhook.disabled"
    reason: DisabledReason
    position: int | None = None
    detail: str = ""


class WebhookRedeliveryRequested(Event, frozen=True, kw_only=True):
    """Events are to be sent again: from a position on, or a single one (`to_position` is then the same).

    A position that was not reached yet skips what lies between.
    """

    topic = "webhook.redelivery_requested"
    from_position: int
    to_position: int | None = None


class WebhookRemoved(Event, frozen=True, kw_only=True):
    """No longer in use; its secrets are forgotten."""

    topic = "webhook.removed"


class Webhook(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one webhook. `enabled_at`: since when it is tried to deliver."""

    subscription: Subscription
    from_position: int | None = None
    secret_version: int
    former_secret_version: int | None = None
    former_secret_until: datetime | None = None
    enabled: bool = True
    enabled_at: datetime
    disabled_reason: DisabledReason | None = None
    removed: bool = False


def change(webhook: Webhook, meta: Meta, subscription: Subscription, *, enabled: bool | None) -> tuple[Event, ...]:
    """The new description; `enabled` None leaves that as it is."""
    check_in_use(webhook)
    on = webhook.enabled if enabled is None else enabled
    events: tuple[Event, ...] = ()
    if subscription != webhook.subscription or (on and not webhook.enabled):
        events = (
            WebhookChanged(
                meta=meta,
                subscription=subscription,
                secret_version=webhook.secret_version,
                former_secret_version=webhook.former_secret_version,
                former_secret_until=webhook.former_secret_until,
                enabled=on or webhook.enabled,
            ),
        )
    if webhook.enabled and not on:
        events = (*events, WebhookDisabled(meta=meta, reason=DisabledReason.BY_HAND))
    return events


def rotate(webhook: Webhook, meta: Meta, *, version: int, former_until: datetime) -> tuple[Event, ...]:
    """A new secret; messages are signed with the former one too for a while."""
    check_in_use(webhook)
    overlaps = former_until > meta.at
    return (
        WebhookChanged(
            meta=meta,
            subscription=webhook.subscription,
            secret_version=version,
            former_secret_version=webhook.secret_version if overlaps else None,
            former_secret_until=former_until if overlaps else None,
            enabled=webhook.enabled,
        ),
    )


def disable(
    webhook: Webhook, meta: Meta, reason: DisabledReason, *, position: int | None = None, detail: str = ""
) -> tuple[Event, ...]:
    """Once; a repeat makes no event."""
    if webhook.removed or not webhook.enabled:
        return ()
    return (WebhookDisabled(meta=meta, reason=reason, position=position, detail=verbatim(detail)),)


def request_redelivery(
    webhook: Webhook, meta: Meta, *, from_position: int, to_position: int | None = None
) -> tuple[Event, ...]:
    """Everything from a position on, or one event, again."""
    check_in_use(webhook)
    if not webhook.enabled:
        sentence = "The webhook is disabled; enable it first, and it goes on where it stopped."
        raise Refused(Code.INVALID_TRANSITION, sentence, current_status="disabled", allowed=["enable"])
    return (WebhookRedeliveryRequested(meta=meta, from_position=from_position, to_position=to_position),)


def remove(webhook: Webhook, meta: Meta) -> tuple[Event, ...]:
    """Once; a repeat makes no event."""
    return () if webhook.removed else (WebhookRemoved(meta=meta),)


def check_in_use(webhook: Webhook) -> None:
    """Refuse to do anything with a webhook that was removed."""
    if webhook.removed:
        sentence = "The webhook was removed; create another one."
        raise Refused(Code.INVALID_TRANSITION, sentence, current_status="removed", allowed=[])


def _created(_: Webhook | None, event: WebhookCreated) -> Webhook:
    return Webhook(
        subscription=event.subscription,
        from_position=event.from_position,
        secret_version=event.secret_version,
        enabled_at=event.meta.at,
    )


def _changed(state: Webhook, event: WebhookChanged) -> Webhook:
    return _replace(
        state,
        subscription=event.subscription,
        secret_version=event.secret_version,
        former_secret_version=event.former_secret_version,
        former_secret_until=event.former_secret_until,
        enabled=event.enabled,
        enabled_at=event.meta.at if event.enabled and not state.enabled else state.enabled_at,
        disabled_reason=None if event.enabled else state.disabled_reason,
    )


WEBHOOK: AggregateType[Webhook] = AggregateType(
    name="webhook",
    table={
        WebhookCreated: _created,
        WebhookChanged: _changed,
        WebhookDisabled: lambda state, event: _replace(state, enabled=False, disabled_reason=event.reason),
        WebhookRedeliveryRequested: unchanged,
        WebhookRemoved: lambda state, _: _replace(state, removed=True, enabled=False),
    },
)
