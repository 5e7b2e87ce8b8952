"""The rules of delivering: who a message is for and from when, how it is signed, what follows from an attempt. Pure.

Signatures: Standard Webhooks 1.0 (HMAC-SHA256 over `id.timestamp.body`, one `v1,` signature per secret).
"""

import base64
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from application.house import Loaded
from application.webhook_ports import Delivery, DeliveryError, DeliveryStatus
from domain import ids
from domain.webhook import Webhook

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 3600.0
_LONGEST_WISH = 86_400.0
_OUT_OF_TURN_FAILURES = 6
"""Attempts that a message out of turn gets: the last one about a minute after the first."""

_replace = msgspec.structs.replace


class Answer(NamedTuple):
    """How an attempt ended: the receiver's status code and its Retry-After in seconds, where there were any."""

    error: DeliveryError | None = None
    status_code: int | None = None
    retry_after: float | None = None


def delivery_id(webhook_id: UUID, position: int) -> UUID:
    """One event for one webhook, however often it is sent: what receivers recognise a repeat by (`webhook-id`)."""
    return ids.derive("webhook-delivery", webhook_id, position)


def first_position(found: Loaded[Webhook]) -> int:
    """Where the deliveries of a webhook begin."""
    return found.found.from_position or (found.created_position or 0) + 1


def signed_headers(message_id: UUID, at: datetime, body: bytes, secrets: Iterable[bytes]) -> dict[str, str]:
    """`webhook-id`, `webhook-timestamp` (seconds since 1970), `webhook-signature` (the present secret's first)."""
    timestamp = str(int(at.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(secret, content, "sha256")).decode() for secret in secrets)
    return {
        "webhook-id": str(message_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def judge(status_code: int, retry_after: float | None = None) -> Answer:
    """What a status code means. Redirections are not followed: they could lead anywhere."""
    if 200 <= status_code < 300:
        return Answer(None, status_code)
    if status_code == 410:
        return Answer(DeliveryError.GONE, status_code)
    error = {3: DeliveryError.REDIRECTED, 4: DeliveryError.REJECTED}.get(status_code // 100, DeliveryError.UNAVAILABLE)
    return Answer(error, status_code, retry_after)


def after(delivery: Delivery, at: datetime, answer: Answer, chance: float) -> Delivery:
    """The delivery after an attempt. A failed one comes again after 1, 2, 4 ... seconds, an hour at most, shortened by
    up to half of it (`chance` from 0 to 1), or when the receiver said, a day at most.
    """
    tried = _replace(
        delivery,
        attempts=delivery.attempts + 1,
        last_attempt_at=at,
        status_code=answer.status_code,
        error=answer.error,
    )
    if answer.error is None:
        return _replace(
            tried,
            status=DeliveryStatus.DELIVERED,
            failures=0,
            failing_since=None,
            next_attempt_at=None,
            delivered_at=at,
        )
    failures = delivery.failures + 1
    pause = min(_FIRST_PAUSE * 2 ** min(failures - 1, 20), _LONGEST_PAUSE) * (1 - chance / 2)
    wished = min(max(answer.retry_after or 0.0, 0.0), _LONGEST_WISH)
    return _replace(
        tried,
        failures=failures,
        failing_since=delivery.failing_since or at,
        next_attempt_at=at + timedelta(seconds=max(pause, wished)),
    )


def out_of_turn(tried: Delivery) -> Delivery:
    """A message out of turn is given up after a few failures, a test after the first."""
    if tried.status is not DeliveryStatus.PENDING:
        return tried
    if tried.position is None or tried.failures >= _OUT_OF_TURN_FAILURES or tried.error is DeliveryError.GONE:
        return _replace(tried, status=DeliveryStatus.FAILED, next_attempt_at=None)
    return tried


def enabled_anew(delivery: Delivery, webhook: Webhook) -> Delivery:
    """What failed before a webhook was enabled again does not count any more, and is tried at once."""
    if delivery.last_attempt_at is None or delivery.last_attempt_at >= webhook.enabled_at:
        return delivery
    return _replace(delivery, failures=0, failing_since=None, next_attempt_at=None)


def given_up(tried: Delivery, at: datetime, patience: float) -> bool:
    """Has it failed for more than `patience` seconds?"""
    return tried.failing_since is not None and (at - tried.failing_since).total_seconds() > patience
