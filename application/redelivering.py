"""Webhook messages that are wanted out of turn: again, or as a test."""

from uuid import UUID

from application.house import Attempt, Context, Done, House, Loaded, carry_out, check_version, load, reading_back, write
from application.webhook_ports import Deliveries, Delivery
from domain import ids, webhook
from domain.errors import Code, Refused
from domain.webhook import WEBHOOK, Webhook


async def redeliver_from(
    house: House, context: Context, deliveries: Deliveries, webhook_id: UUID, from_position: int
) -> Done[Loaded[Webhook]]:
    """Everything from a position on, in order; a position that was not reached yet skips what lies between."""
    done = await _request_redelivery(house, context, webhook_id, from_position, None)
    await deliveries.restart(webhook_id, from_position)
    return done


async def redeliver_one(
    house: House, context: Context, deliveries: Deliveries, webhook_id: UUID, delivery_id: UUID
) -> Done[Delivery]:
    """One event again, now, whatever else waits."""
    delivery = await deliveries.get(delivery_id)
    if delivery is None or delivery.webhook_id != webhook_id:
        raise Refused(Code.NOT_FOUND, f"There is no delivery {delivery_id} of this webhook.")
    if delivery.position is None:
        sentence = "This delivery was a test; try the webhook out again instead."
        raise Refused(Code.INVALID_TRANSITION, sentence, current_status=delivery.status.value, allowed=[])
    done = await _request_redelivery(house, context, webhook_id, delivery.position, delivery.position)
    wanted = await deliveries.again(delivery, context.at)
    return Done(result=wanted, position=done.position, repeated=done.repeated)


async def try_out(house: House, context: Context, deliveries: Deliveries, webhook_id: UUID) -> Done[Delivery]:
    """A message of type `webhook.test`, which is no event; how it went stands in the delivery log."""
    delivery = Delivery(
        id=ids.derive("webhook-test", webhook_id, context.command_id),
        webhook_id=webhook_id,
        position=None,
        created_at=context.at,
        next_attempt_at=context.at,
    )

    async def attempt() -> Attempt[Delivery]:
        webhook.check_in_use((await load(house, WEBHOOK, webhook_id)).found)
        await deliveries.add(delivery)
        return Attempt((), delivery)

    return await carry_out(house, context, attempt, subject_id=webhook_id, action="webhook.test")


async def _request_redelivery(
    house: House, context: Context, webhook_id: UUID, from_position: int, to_position: int | None
) -> Done[Loaded[Webhook]]:
    async def attempt() -> Attempt[Loaded[Webhook]]:
        known = await load(house, WEBHOOK, webhook_id)
        check_version(context, known)
        head = await house.log.head()
        if from_position > head + 1:
            sentence = f"The ledger ends at position {head}."
            raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/from_position")
        events = webhook.request_redelivery(
            known.found, context.meta, from_position=from_position, to_position=to_position
        )
        return Attempt((write(known, events),), known.after(events))

    again = reading_back(house, WEBHOOK, webhook_id)
    return await carry_out(house, context, attempt, subject_id=webhook_id, action="webhook.redeliver", again=again)
