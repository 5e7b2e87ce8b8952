"""What was sent to a webhook, how it went, and sending it again."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from api.answers import missing, single
from api.as_of import only_now
from api.asking import Command, Reading, location_of
from api.controllers.webhooks import READERS, WRITERS
from api.paging import CSV, JSON, NDJSON, Cursor, Limit, listed, negotiate, numbered, page, position_cursor
from api.presenters import webhooks as present
from api.presenters.known import Known
from api.schemas.webhooks import DeliveryBody, DeliveryPage, RedeliverBody, WebhookBody
from application.house import Done
from application.redelivering import redeliver_from, redeliver_one, try_out
from application.webhook_ports import Delivery, DeliveryStatus, Listed
from projections.rows import Page

_NOTHING = Listed(None, [])
_NO_HISTORY = "Deliveries are no history: their log is kept for a time only."


@get("/webhooks/{webhook_id:uuid}/deliveries", opt=READERS)
async def list_webhook_deliveries(
    request: Request[Any, Any, Any],
    webhook_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    status: FromQuery[list[DeliveryStatus] | None] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[DeliveryPage]:
    """The delivery log of a webhook, newest first, and how far it has come. Lines are kept for thirty days."""
    only_now(reading.moment, _NO_HISTORY)

    async def ask(limit: int, cursor: str | None) -> Listed:
        before = position_cursor(cursor, 0) or None
        found = await reading.services.deliveries.list(
            webhook_id, status=tuple(status or ()), before=before, limit=limit + 1
        )
        if found == _NOTHING and await reading.views.webhooks.get(webhook_id) is None:
            raise missing("webhook", webhook_id)
        return found

    def item(found: tuple[int, Delivery]) -> DeliveryBody:
        return present.delivery(found[1])

    async def numbered_page(limit: int, cursor: str | None) -> Page[tuple[int, Delivery]]:
        return numbered((await ask(limit, cursor)).deliveries, limit, _number)

    if negotiate(request, JSON, NDJSON, CSV) != JSON:
        return await listed(request, numbered_page, item, DeliveryBody.__struct_fields__, limit=limit, cursor=cursor)
    found = await ask(limit, cursor)
    some = numbered(found.deliveries, limit, _number)
    return page(request, [item(one) for one in some.items], some.next_cursor, delivered_position=found.position)


def _number(found: tuple[int, Delivery]) -> int:
    return found[0]


@get("/webhooks/{webhook_id:uuid}/deliveries/{delivery_id:uuid}", opt=READERS)
async def get_webhook_delivery(
    webhook_id: FromPath[UUID], delivery_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[DeliveryBody]:
    """One delivery."""
    only_now(reading.moment, _NO_HISTORY)
    found = await reading.services.deliveries.get(delivery_id)
    if found is None or found.webhook_id != webhook_id:
        raise missing("delivery", delivery_id)
    return single(present.delivery(found))


@post("/webhooks/{webhook_id:uuid}/deliveries/{delivery_id:uuid}/redeliver", opt=WRITERS, status_code=202)
async def redeliver_to_webhook(
    webhook_id: FromPath[UUID], delivery_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[DeliveryBody]:
    """One event again, now, whatever else waits. The receiver recognises it by its `webhook-id`, which is the same."""
    deliveries = command.services.deliveries
    done = await redeliver_one(command.house, command.context, deliveries, webhook_id, delivery_id)
    return await _answer(command, done)


@post("/webhooks/{webhook_id:uuid}/redeliver", opt=WRITERS, status_code=202)
async def redeliver_to_webhook_from(
    webhook_id: FromPath[UUID], data: JSONBody[RedeliverBody], command: NamedDependency[Command]
) -> Response[WebhookBody]:
    """Everything from a position on, again and in order."""
    deliveries = command.services.deliveries
    done = await redeliver_from(command.house, command.context, deliveries, webhook_id, data.from_position)
    body = present.webhook(Known.of(done.result))
    return await command.answer(done, body, status=202, location=location_of("webhooks", webhook_id))


@post("/webhooks/{webhook_id:uuid}/test", opt=WRITERS, status_code=202)
async def test_webhook(webhook_id: FromPath[UUID], command: NamedDependency[Command]) -> Response[DeliveryBody]:
    """A message of type `webhook.test`, tried once; how it went stands in the delivery log."""
    return await _answer(
        command, await try_out(command.house, command.context, command.services.deliveries, webhook_id)
    )


async def _answer(command: Command, done: Done[Delivery]) -> Response[DeliveryBody]:
    found = done.result
    location = f"{location_of('webhooks', found.webhook_id)}/deliveries/{found.id}"
    return await command.answer(done, present.delivery(found), status=202, location=location)


HANDLERS = [
    list_webhook_deliveries,
    get_webhook_delivery,
    redeliver_to_webhook,
    redeliver_to_webhook_from,
    test_webhook,
]
