"""Webhooks: create, change, give another secret, switch off, remove."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from application import webhook_secrets
from application.changing import change_one
from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    carry_out,
    check_version,
    load,
    shown_once,
    write,
)
from domain import ids, webhook
from domain.entity import Event
from domain.web_address import parse_web_address
from domain.webhook import WEBHOOK, DisabledReason, Subscription, Webhook, WebhookCreated

_KEPT_VERSIONS = 8
"""How many former versions of a secret a rotation looks at; older ones were forgotten by earlier rotations."""


class IssuedSecret(NamedTuple):
    """A webhook with its new secret, shown once."""

    webhook: Loaded[Webhook]
    secret: str

    def __repr__(self) -> str:
        return f"IssuedSecret({self.webhook.id})"


async def create_webhook(
    house: House, context: Context, wanted: Subscription, from_position: int | None = None
) -> Done[IssuedSecret]:
    """A new webhook with its first secret. Events are sent from a position on, without one from now on."""
    webhook_id = ids.derive("webhook", context.command_id)
    wanted = _checked(wanted)
    secret = webhook_secrets.new_secret()
    version = await webhook_secrets.seal(house, webhook_id, 0, secret)

    async def attempt() -> Attempt[IssuedSecret]:
        known = await load(house, WEBHOOK, webhook_id)
        event = WebhookCreated(
            meta=context.meta, subscription=wanted, secret_version=version, from_position=from_position
        )
        return Attempt((write(known, (event,)),), IssuedSecret(known.after((event,)), webhook_secrets.text_of(secret)))

    return await carry_out(house, context, attempt, subject_id=webhook_id, action="webhook.create", again=shown_once)


async def change_webhook(
    house: House, context: Context, webhook_id: UUID, wanted: Subscription, *, enabled: bool | None = None
) -> Done[Loaded[Webhook]]:
    """The new description; `enabled` None leaves that as it is."""
    wanted = _checked(wanted)

    def decide(known: Webhook) -> tuple[Event, ...]:
        return webhook.change(known, context.meta, wanted, enabled=enabled)

    return await change_one(house, context, WEBHOOK, webhook_id, "webhook.change", decide)


async def rotate_secret(house: House, context: Context, webhook_id: UUID, overlap: timedelta) -> Done[IssuedSecret]:
    """Another secret; for `overlap` messages are signed with both."""
    secret = webhook_secrets.new_secret()
    sealed: list[int] = []

    async def attempt() -> Attempt[IssuedSecret]:
        known = await load(house, WEBHOOK, webhook_id)
        check_version(context, known)
        webhook.check_in_use(known.found)
        if not sealed:
            sealed.append(await webhook_secrets.seal(house, webhook_id, known.found.secret_version, secret))
        until = context.at + overlap
        events = webhook.rotate(known.found, context.meta, version=sealed[0], former_until=until)
        return Attempt((write(known, events),), IssuedSecret(known.after(events), webhook_secrets.text_of(secret)))

    done = await carry_out(
        house, context, attempt, subject_id=webhook_id, action="webhook.rotate_secret", again=shown_once
    )
    state = done.result.webhook.found
    oldest = state.former_secret_version or state.secret_version
    await webhook_secrets.forget(house, webhook_id, range(max(1, oldest - _KEPT_VERSIONS), oldest))
    return done


async def disable_webhook(
    house: House, context: Context, webhook_id: UUID, reason: DisabledReason, *, position: int, detail: str
) -> Done[Loaded[Webhook]]:
    """The receiver is gone, or did not take an event for too long."""

    async def attempt() -> Attempt[Loaded[Webhook]]:
        known = await load(house, WEBHOOK, webhook_id)
        events = webhook.disable(known.found, context.meta, reason, position=position, detail=detail)
        return Attempt((write(known, events),), known.after(events))

    return await carry_out(house, context, attempt, subject_id=webhook_id, action="webhook.disable")


async def remove_webhook(house: House, context: Context, webhook_id: UUID) -> Done[Loaded[Webhook]]:
    """No longer in use; its secrets are forgotten."""

    def decide(known: Webhook) -> tuple[Event, ...]:
        return webhook.remove(known, context.meta)

    done = await change_one(house, context, WEBHOOK, webhook_id, "webhook.remove", decide)
    latest = done.result.found.secret_version
    await webhook_secrets.forget(house, webhook_id, range(max(1, latest - _KEPT_VERSIONS), latest + 1))
    return done


def _checked(wanted: Subscription) -> Subscription:
    return msgspec.structs.replace(wanted, url=parse_web_address(wanted.url, pointer="/url"))
