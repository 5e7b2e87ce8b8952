"""The rules of delivering: signatures, what an answer means, when to come again, when to give up."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Reference

from application import delivering
from application.delivering import Answer
from application.webhook_ports import Delivery, DeliveryError, DeliveryStatus
from application.webhook_secrets import new_secret, text_of
from domain.webhook import Subscription, Webhook
from tests.support.world import T0

FRESH = Delivery(id=UUID(int=1), webhook_id=UUID(int=2), position=7, created_at=T0)
FAILED = Answer(DeliveryError.UNAVAILABLE, 503)


def after_failures(count: int, chance: float = 0.0, *, delivery: Delivery = FRESH) -> list[Delivery]:
    """A delivery after each of so many failures, tried when it is due."""
    found = [delivery]
    for _ in range(count):
        at = found[-1].next_attempt_at or T0
        found.append(delivering.after(found[-1], at, FAILED, chance))
    return found[1:]


@given(st.binary(max_size=200), st.lists(st.binary(min_size=24, max_size=64), min_size=1, max_size=3))
def test_the_reference_signs_the_same(body: bytes, secrets: list[bytes]) -> None:
    """Whatever the body and however many secrets: each signature is what Standard Webhooks' own library makes."""
    text = body.hex()
    headers = delivering.signed_headers(FRESH.id, T0, text.encode(), secrets)
    expected = [Reference(text_of(secret)).sign(str(FRESH.id), T0, text) for secret in secrets]
    assert headers["webhook-signature"].split() == expected
    assert headers["webhook-timestamp"] == str(int(T0.timestamp()))


def test_the_verification_that_the_manual_shows_works() -> None:
    """docs/how-to/follow-events.md: what it prints to be copied accepts our messages and nothing else."""
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "follow-events.md").read_text()
    names: dict[str, Any] = {}
    exec(page.split("```python\n")[1].split("```")[0], names)
    verified, secret, body = names["verified"], new_secret(), b'{"a":1}'
    now = datetime.now(UTC)
    headers = delivering.signed_headers(FRESH.id, now, body, [new_secret(), secret])
    assert verified(text_of(secret), headers, body)
    assert not verified(text_of(secret), headers, body + b" ")
    assert not verified(text_of(new_secret()), headers, body)
    late = delivering.signed_headers(FRESH.id, now - timedelta(hours=1), body, [secret])
    assert not verified(text_of(secret), late, body)


def test_secrets_are_long_and_never_the_same() -> None:
    """`whsec_` and the base64 of 24 to 64 bytes, as the standard asks for."""
    assert len({new_secret() for _ in range(20)}) == 20
    assert len(new_secret()) == 32
    assert text_of(b"\0" * 32).startswith("whsec_AAAA")


def test_pauses_double_up_to_an_hour() -> None:
    """1, 2, 4 ... seconds; the failures since when, and how often, are kept."""
    found = after_failures(14)
    pauses = [
        (one.next_attempt_at - one.last_attempt_at).total_seconds()
        for one in found
        if one.next_attempt_at and one.last_attempt_at
    ]
    assert pauses == [min(2**n, 3600) for n in range(14)]
    assert (found[-1].attempts, found[-1].failures, found[-1].failing_since) == (14, 14, T0)
    assert (found[-1].status, found[-1].status_code, found[-1].error) == (DeliveryStatus.PENDING, 503, FAILED.error)


@given(st.integers(1, 40), st.floats(0, 1), st.none() | st.floats(-1e9, 1e9))
def test_chance_shortens_a_pause_by_half_at_most_and_a_wish_lengthens_it_by_a_day_at_most(
    failures: int, chance: float, wish: float | None
) -> None:
    """So that receivers that come back are not called by everybody at once, and none can say "never"."""
    before = msgspec.structs.replace(FRESH, failures=failures - 1)
    found = delivering.after(before, T0, FAILED._replace(retry_after=wish), chance)
    assert found.next_attempt_at is not None
    pause = (found.next_attempt_at - T0).total_seconds()
    usual = min(2 ** (failures - 1), 3600)
    assert usual / 2 - 1e-5 <= pause <= max(usual, min(wish or 0, 86_400)) + 1e-5
    if wish is not None and 0 < wish <= 86_400:
        assert pause >= wish - 1e-5


def test_a_success_ends_it() -> None:
    """No next attempt; what failed before is forgotten but for the count of attempts."""
    found = delivering.after(after_failures(3)[-1], T0, Answer(None, 204), 0.5)
    assert (found.status, found.attempts, found.failures, found.failing_since) == (DeliveryStatus.DELIVERED, 4, 0, None)
    assert (found.next_attempt_at, found.delivered_at, found.error) == (None, T0, None)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, None),
        (299, None),
        (300, "redirected"),
        (404, "rejected"),
        (410, "gone"),
        (429, "rejected"),
        (502, "unavailable"),
        (100, "unavailable"),
    ],
)
def test_what_a_status_code_means(status: int, error: str | None) -> None:
    """2xx is success, 410 is for ever, everything else comes again."""
    assert delivering.judge(status, 5.0).error == error


def test_out_of_turn_is_given_up_after_a_few_failures_and_a_test_after_one() -> None:
    """What somebody wanted at once is of no use days later."""
    found = after_failures(6)
    statuses = [delivering.out_of_turn(one).status for one in found]
    assert statuses == [DeliveryStatus.PENDING] * 5 + [DeliveryStatus.FAILED]
    test = msgspec.structs.replace(FRESH, position=None)
    assert delivering.out_of_turn(after_failures(1, delivery=test)[0]).status is DeliveryStatus.FAILED
    delivered = delivering.after(test, T0, Answer(None, 200), 0)
    assert delivering.out_of_turn(delivered) == delivered


def test_it_is_given_up_when_it_has_failed_for_too_long() -> None:
    """Counted from the first failure in a row, or from when the webhook was enabled again."""
    found = after_failures(8)[-1]
    assert not delivering.given_up(found, T0 + timedelta(seconds=127), 127)
    assert delivering.given_up(found, T0 + timedelta(seconds=128), 127)
    assert not delivering.given_up(FRESH, T0 + timedelta(days=365), 127)
    webhook = Webhook(subscription=Subscription(url="https://a/"), secret_version=1, enabled_at=T0)
    assert delivering.enabled_anew(found, webhook) == found
    again = msgspec.structs.replace(webhook, enabled_at=T0 + timedelta(hours=1))
    anew = delivering.enabled_anew(found, again)
    assert (anew.failures, anew.failing_since, anew.next_attempt_at, anew.attempts) == (0, None, None, 8)


def test_a_message_has_one_id_per_event_and_webhook() -> None:
    """So that a receiver recognises what it had."""
    one, two = UUID(int=1), UUID(int=2)
    assert delivering.delivery_id(one, 7) == delivering.delivery_id(one, 7)
    assert len({delivering.delivery_id(w, p) for w in (one, two) for p in (7, 8)}) == 4
