"""Webhooks: events are posted to them as they happen (Standard Webhooks, CloudEvents)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody

from api.answers import missing, single
from api.asking import SECRET_ANSWER, Command, Reading, location_of
from api.body import given
from api.paging import Cursor, Limit, listed, pages
from api.presenters import webhooks as present
from api.presenters.known import Known
from api.schemas.webhooks import (
    ChangeWebhookBody,
    CreateWebhookBody,
    IssuedWebhook,
    RotateSecretBody,
    WebhookBody,
    WebhookPage,
)
from api.security import requires
from application.house import load
from application.webhooks import IssuedSecret, change_webhook, create_webhook, remove_webhook, rotate_secret
from domain.roles import Permission
from domain.webhook import WEBHOOK, Subscription
from projections.webhooks.view import WebhookFilter, WebhookRow

READERS = requires(Permission.CHANNELS, Permission.READ_EVERYTHING)
WRITERS = requires(Permission.CHANNELS)
_USUAL = RotateSecretBody()


def webhook_filter(
    enabled: FromQuery[bool | None] = None,
    removed: FromQuery[bool] = False,
) -> WebhookFilter:
    """What a list of webhooks is narrowed to."""
    return WebhookFilter(enabled=enabled, removed=removed)


@get("/webhooks", opt=READERS, dependencies={"narrow": Provide(webhook_filter, sync_to_thread=False)})
async def list_webhooks(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[WebhookFilter],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[WebhookPage]:
    """Webhooks, newest first."""
    ask = pages(reading.views.webhooks.list, narrow)

    def item(row: WebhookRow) -> WebhookBody:
        return present.webhook(Known.of(row))

    return await listed(request, ask, item, WebhookBody.__struct_fields__, limit=limit, cursor=cursor)


@post("/webhooks", opt=WRITERS | SECRET_ANSWER)
async def create_a_webhook(
    data: JSONBody[CreateWebhookBody], command: NamedDependency[Command]
) -> Response[IssuedWebhook]:
    """A new webhook. The answer holds the secret that messages are signed with: it is shown once."""
    wanted = Subscription(url=data.url, description=data.description, types=data.types, subject_ids=data.subjects)
    done = await create_webhook(command.house, command.context, wanted, data.from_position)
    await command.services.deliveries.wake()
    return await command.answer(
        done,
        _issued(done.result),
        status=201,
        version=done.result.webhook.version,
        location=location_of("webhooks", done.result.webhook.id),
        secret=True,
    )


@get("/webhooks/{webhook_id:uuid}", opt=READERS)
async def get_webhook(webhook_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[WebhookBody]:
    """One webhook. Its secret is never shown again."""
    found = await reading.views.webhooks.get(webhook_id)
    if found is None:
        raise missing("webhook", webhook_id)
    return single(present.webhook(Known.of(found)), found.version)


@patch("/webhooks/{webhook_id:uuid}", opt=WRITERS)
async def change_a_webhook(
    webhook_id: FromPath[UUID], data: JSONBody[ChangeWebhookBody], command: NamedDependency[Command]
) -> Response[WebhookBody]:
    """Change what is sent where, switch it off or on."""
    known = (await load(command.house, WEBHOOK, webhook_id)).found
    sent = given(data)
    enabled = sent.pop("enabled", None)
    renamed = {"subject_ids" if name == "subjects" else name: value for name, value in sent.items()}
    wanted = msgspec.structs.replace(known.subscription, **renamed)
    done = await change_webhook(command.house, command.context, webhook_id, wanted, enabled=enabled)
    await command.services.deliveries.wake()
    return await command.answer(done, present.webhook(Known.of(done.result)), version=done.result.version)


@delete("/webhooks/{webhook_id:uuid}", opt=WRITERS)
async def remove_a_webhook(webhook_id: FromPath[UUID], command: NamedDependency[Command]) -> Response[None]:
    """No longer in use: nothing more is sent, its secrets are forgotten. Its history stays."""
    done = await remove_webhook(command.house, command.context, webhook_id)
    await command.services.deliveries.wake()
    return await command.answer(done, None, status=204, version=done.result.version)


@post("/webhooks/{webhook_id:uuid}/rotate-secret", opt=WRITERS | SECRET_ANSWER, status_code=200)
async def rotate_webhook_secret(
    webhook_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[RotateSecretBody] = _USUAL
) -> Response[IssuedWebhook]:
    """Another secret, shown once. For a while messages carry two signatures, one with each."""
    overlap = timedelta(seconds=data.overlap_seconds)
    done = await rotate_secret(command.house, command.context, webhook_id, overlap)
    return await command.answer(done, _issued(done.result), version=done.result.webhook.version, secret=True)


def _issued(found: IssuedSecret) -> IssuedWebhook:
    return present.issued_webhook(Known.of(found.webhook), found.secret)


HANDLERS = [
    list_webhooks,
    create_a_webhook,
    get_webhook,
    change_a_webhook,
    remove_a_webhook,
    rotate_webhook_secret,
]
