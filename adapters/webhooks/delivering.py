"""One webhook's deliveries: what is wanted out of turn first, then its events in the order of the ledger.

In turn, an event that its receiver does not take holds up those behind it, until it is taken or the webhook is
disabled; so a receiver sees every event, in order, at least once. What counts is decided on the webhook's stream, read
anew before every attempt.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import random
from typing import NamedTuple
from uuid import UUID

import msgspec

from adapters.webhooks.sending import Sender
from application import delivering, webhook_secrets
from application.automations.kit import timing
from application.delivering import Answer
from application.house import House, Loaded, load
from application.webhook_ports import Deliveries, Delivery, DeliveryError, DeliveryStatus, Standing
from application.webhooks import disable_webhook
from domain.webhook import WEBHOOK, DisabledReason, Webhook
from projections.audit_trail.cloud_events import Origin, encoded
from projections.audit_trail.scanning import scan
from projections.audit_trail.view import AuditEvent, AuditFilter, AuditTrail
from projections.position import ReadPosition

_BATCH = 50
_SAVE_EVERY = 1000
_IDLE_SECONDS = 30.0
_BREATH_SECONDS = 0.02


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


class Deliverer:
    """The deliveries of one webhook. `woken` is set when something is wanted out of turn, or the webhook changed."""

    def __init__(self, post: Post, webhook_id: UUID) -> None:
        self._post = post
        self._id = webhook_id
        self._saved = 0
        self.woken = asyncio.Event()

    async def run(self) -> None:
        """Until the webhook is removed."""
        while (found := await self._webhook()) is not None and not found.found.removed:
            self.woken.clear()
            known = self._post.position.current
            standing = await self._post.deliveries.standing(self._id, delivering.first_position(found))
            pause = await self._out_of_turn(found, standing.position)
            if found.found.enabled:
                in_turn = await self._in_turn(found, standing, known)
                pause = min(pause, in_turn)
            if pause > 0:
                await self._wait(known, pause)

    async def _webhook(self) -> Loaded[Webhook] | None:
        found = await load(self._post.house, WEBHOOK, self._id)
        return found if found.state is not None else None

    async def _wait(self, known: int, pause: float) -> None:
        """For the time of the next attempt, for a call, or for the ledger to grow."""
        growing = asyncio.create_task(self._post.position.wait(known + 1, pause))
        waking = asyncio.create_task(self.woken.wait())
        try:
            await asyncio.wait((growing, waking), timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            growing.cancel()
            waking.cancel()
        await asyncio.sleep(_BREATH_SECONDS)

    # ------------------------------------------------------------------ out of turn

    async def _out_of_turn(self, found: Loaded[Webhook], position: int) -> float:
        """Send what is due; the seconds until the next one is."""
        for delivery in await self._post.deliveries.waiting(self._id, position):
            if delivery.position is not None and not found.found.enabled:
                continue
            due = self._seconds_until(delivery)
            if due > 0:
                return due
            message = await self._message(delivery)
            if message is None:
                continue
            tried, _ = await self._attempt(found, delivery, message)
            await self._post.deliveries.record(delivering.out_of_turn(tried))
        return _IDLE_SECONDS

    async def _message(self, delivery: Delivery) -> bytes | None:
        if delivery.position is None:
            return await self._test_message(delivery)
        event = await self._post.trail.get(delivery.position)
        return await self._body(event) if event is not None else None

    async def _test_message(self, delivery: Delivery) -> bytes:
        origin = await self._post.origin()
        event = {
            "specversion": "1.0",
            "id": str(delivery.id),
            "source": origin.source,
            "type": "webhook.test",
            "subject": str(self._id),
            "time": delivery.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": {"message": "A test of this webhook. No event of the ledger."},
        }
        return msgspec.json.encode(event)

    # ------------------------------------------------------------------ in turn

    async def _in_turn(self, found: Loaded[Webhook], standing: Standing, known: int) -> float:
        """Deliver the next events up to a known position; the seconds until the next attempt, 0: go on at once."""
        wanted = found.found.subscription
        narrow = AuditFilter(types=wanted.types, subjects=wanted.subject_ids)
        position = standing.position
        async for step in scan(self._post.trail, narrow, position, known, batch=_BATCH):
            for event in step.events:
                pause = await self._deliver(found, event, standing.turn)
                if pause is not None:
                    return pause
            position = step.position
            if step.events or self.woken.is_set():
                await self._save(Standing(position, standing.turn), always=bool(step.events))
                return 0.0
        await self._save(Standing(position, standing.turn), always=False)
        return _IDLE_SECONDS

    async def _save(self, standing: Standing, *, always: bool) -> None:
        """What was passed over is remembered now and then."""
        if always or standing.position - self._saved >= _SAVE_EVERY:
            await self._post.deliveries.advance(self._id, standing)
            self._saved = standing.position

    async def _deliver(self, found: Loaded[Webhook], event: AuditEvent, turn: int) -> float | None:
        """One event; the seconds until its next attempt, None once it is delivered."""
        known = await self._post.deliveries.get(delivering.delivery_id(self._id, event.position))
        delivery = delivering.enabled_anew(known or self._fresh(event), found.found)
        due = self._seconds_until(delivery)
        if due > 0:
            return due
        tried, answer = await self._attempt(found, delivery, await self._body(event))
        if tried.status is DeliveryStatus.DELIVERED:
            await self._post.deliveries.record(tried, Standing(event.position, turn))
            return await self._changed_since(found)
        given_up = self._given_up(tried, answer)
        if given_up is None:
            await self._post.deliveries.record(tried)
            return self._seconds_until(tried)
        await self._post.deliveries.record(msgspec.structs.replace(tried, next_attempt_at=None))
        await self._disable(event.position, *given_up)
        return 0.0

    async def _changed_since(self, found: Loaded[Webhook]) -> float | None:
        """Somebody has changed the webhook, or wants something else first: look again before the next event."""
        now = await self._webhook()
        return 0.0 if now is None or now.version != found.version or self.woken.is_set() else None

    def _fresh(self, event: AuditEvent) -> Delivery:
        return Delivery(
            id=delivering.delivery_id(self._id, event.position),
            webhook_id=self._id,
            position=event.position,
            created_at=self._now(),
        )

    def _given_up(self, tried: Delivery, answer: Answer) -> tuple[DisabledReason, str] | None:
        if answer.error is DeliveryError.GONE:
            return DisabledReason.GONE, "The receiver answered 410 Gone."
        if not delivering.given_up(tried, self._now(), self._post.settings.give_up_after):
            return None
        said = f" {answer.status_code}" if answer.status_code else ""
        return DisabledReason.FAILING, f"{tried.failures} attempts failed, the last one with {answer.error}{said}."

    async def _disable(self, position: int, reason: DisabledReason, detail: str) -> None:
        context = timing(self._post.house, "deliver-webhooks")
        await disable_webhook(self._post.house, context, self._id, reason, position=position, detail=detail)

    # ------------------------------------------------------------------ an attempt

    async def _attempt(self, found: Loaded[Webhook], delivery: Delivery, body: bytes) -> tuple[Delivery, Answer]:
        at = self._now()
        secrets = await webhook_secrets.signing(self._post.house, self._id, found.found, at)
        if not secrets:
            raise RuntimeError(f"the vault holds no secret of webhook {self._id}: nothing is sent unsigned")
        headers = delivering.signed_headers(delivery.id, at, body, secrets)
        answer = await self._post.sender.send(found.found.subscription.url, headers, body)
        waiting = msgspec.structs.replace(delivery, status=DeliveryStatus.PENDING)
        return delivering.after(waiting, self._now(), answer, random()), answer  # noqa: S311 - jitter is no secret

    async def _body(self, event: AuditEvent) -> bytes:
        return encoded(event, await self._post.origin(), self._post.settings.longest)

    def _seconds_until(self, delivery: Delivery) -> float:
        if delivery.next_attempt_at is None:
            return 0.0
        return max((delivery.next_attempt_at - self._now()).total_seconds(), 0.0)

    def _now(self) -> datetime:
        return self._post.house.clock()
