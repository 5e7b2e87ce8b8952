"""One webhook's deliveries: what is wanted out of turn first, then its events in the order of the ledger.

In turn, an event that its receiver does not take holds up those behind it, until it is taken or the webhook is
disabled; so a receiver sees every event, in order, at least once. What counts is decided on the webhook's stream, read
anew before every attempt.
"""

import asyncio
from contextlib import suppress
from uuid import UUID

import msgspec

from adapters.webhooks.attempting import Attempts, Post
from application import delivering
from application.automations.kit import timing
from application.delivering import Answer
from application.house import Loaded, load
from application.webhook_ports import Delivery, DeliveryError, DeliveryStatus, Standing
from application.webhooks import disable_webhook
from domain.webhook import WEBHOOK, DisabledReason, Webhook
from projections.audit_trail.scanning import scan
from projections.audit_trail.view import AuditEvent, AuditFilter

_BATCH = 50
_SAVE_EVERY = 1000
_IDLE_SECONDS = 30.0
_BREATH_SECONDS = 0.05


class Deliverer:
    """The deliveries of one webhook. `woken` is set when something is wanted out of turn, or the webhook changed."""

    def __init__(self, post: Post, webhook_id: UUID) -> None:
        self._post = post
        self._id = webhook_id
        self._attempts = Attempts(post, webhook_id)
        self._saved = 0
        self._stopping = False
        self.woken = asyncio.Event()

    def stop(self) -> None:
        """After what is under way."""
        self._stopping = True
        self.woken.set()

    async def run(self) -> None:
        """Until the webhook is removed, or `stop` is called."""
        while (found := await self._webhook()) is not None and not found.found.removed and not self._stopping:
            self.woken.clear()
            known = self._post.position.current
            standing = await self._post.deliveries.standing(self._id, delivering.first_position(found))
            pause = await self._out_of_turn(found, standing.position)
            if pause == 0.0:
                continue
            if not found.found.enabled:
                await self._called_within(pause)
                continue
            in_turn = await self._in_turn(found, standing, known)
            if in_turn is None:
                await self._wanted_within(pause, found.found, known)
            else:
                await self._called_within(min(pause, in_turn))

    @property
    def _called(self) -> bool:
        """Is something else to be done first?"""
        return self.woken.is_set() or self._stopping

    async def _webhook(self) -> Loaded[Webhook] | None:
        found = await load(self._post.house, WEBHOOK, self._id)
        return found if found.state is not None else None

    async def _called_within(self, seconds: float) -> None:
        """Wait for a call, or for the next attempt; that the ledger grows changes nothing."""
        if seconds > 0 and not self._called:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.woken.wait()

    async def _wanted_within(self, seconds: float, webhook: Webhook, position: int) -> None:
        """Wait for a call, or until the ledger holds something that is wanted after a position."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self._called and (left := until - loop.time()) > 0:
            await self._grown_within(left, position)
            known = self._post.position.current
            async for step in scan(self._post.trail, _narrow(webhook), position, known, batch=1):
                if step.events:
                    return
            position = max(position, known)

    async def _grown_within(self, seconds: float, position: int) -> None:
        growing = asyncio.create_task(self._post.position.wait(position + 1, seconds))
        calling = asyncio.create_task(self.woken.wait())
        try:
            await asyncio.wait((growing, calling), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            growing.cancel()
            calling.cancel()
        await asyncio.sleep(_BREATH_SECONDS)  # a busy ledger is looked at now and then, not at every event

    # ------------------------------------------------------------------ out of turn

    async def _out_of_turn(self, found: Loaded[Webhook], position: int) -> float:
        """Send what is due; the seconds until the next one is, 0: look at the webhook again first."""
        for delivery in await self._post.deliveries.waiting(self._id, position):
            if delivery.position is not None and not found.found.enabled:
                continue
            due = self._attempts.seconds_until(delivery)
            if due > 0:
                return due
            tried, _ = await self._attempts.make(found, delivery)
            await self._post.deliveries.record(delivering.out_of_turn(tried))
            return 0.0
        return _IDLE_SECONDS

    # ------------------------------------------------------------------ in turn

    async def _in_turn(self, found: Loaded[Webhook], standing: Standing, known: int) -> float | None:
        """Deliver the next events up to a known position; the seconds until the next attempt, None: none is wanted."""
        position = standing.position
        async for step in scan(self._post.trail, _narrow(found.found), position, known, batch=_BATCH):
            for event in step.events:
                pause = await self._deliver(found, event, standing.turn)
                if pause is not None:
                    return pause
            position = step.position
            if step.events or self._called:
                await self._save(Standing(position, standing.turn), always=bool(step.events))
                return 0.0
        await self._save(Standing(position, standing.turn), always=False)
        return None

    async def _save(self, standing: Standing, *, always: bool) -> None:
        """What was passed over is remembered now and then."""
        if always or standing.position - self._saved >= _SAVE_EVERY:
            await self._post.deliveries.advance(self._id, standing)
            self._saved = standing.position

    async def _deliver(self, found: Loaded[Webhook], event: AuditEvent, turn: int) -> float | None:
        """One event; the seconds until its next attempt, None once it is delivered."""
        known = await self._post.deliveries.get(delivering.delivery_id(self._id, event.position))
        delivery = delivering.enabled_anew(known or self._attempts.first(event), found.found)
        due = self._attempts.seconds_until(delivery)
        if due > 0:
            return due
        tried, answer = await self._attempts.make(found, delivery, event)
        if tried.status is DeliveryStatus.DELIVERED:
            await self._post.deliveries.record(tried, Standing(event.position, turn))
            return await self._changed_since(found)
        given_up = self._given_up(tried, answer)
        if given_up is None:
            await self._post.deliveries.record(tried)
            return self._attempts.seconds_until(tried)
        await self._post.deliveries.record(msgspec.structs.replace(tried, next_attempt_at=None))
        await self._disable(event.position, *given_up)
        return 0.0

    async def _changed_since(self, found: Loaded[Webhook]) -> float | None:
        """Somebody has changed the webhook, or wants something else first: look again before the next event."""
        now = await self._webhook()
        return 0.0 if now is None or now.version != found.version or self._called else None

    def _given_up(self, tried: Delivery, answer: Answer) -> tuple[DisabledReason, str] | None:
        if answer.error is DeliveryError.GONE:
            return DisabledReason.GONE, "The receiver answered 410 Gone."
        if not delivering.given_up(tried, self._post.house.clock(), self._post.settings.give_up_after):
            return None
        said = f" {answer.status_code}" if answer.status_code else ""
        return DisabledReason.FAILING, f"{tried.failures} attempts failed, the last one with {answer.error}{said}."

    async def _disable(self, position: int, reason: DisabledReason, detail: str) -> None:
        context = timing(self._post.house, "deliver-webhooks")
        await disable_webhook(self._post.house, context, self._id, reason, position=position, detail=detail)


def _narrow(webhook: Webhook) -> AuditFilter:
    wanted = webhook.subscription
    return AuditFilter(types=wanted.types, subjects=wanted.subject_ids)
