"""Webhooks: described, changed, given another secret, switched off and on, removed."""

from datetime import timedelta

import msgspec

from domain import webhook as webhooks
from domain.errors import Code
from domain.webhook import (
    DisabledReason,
    Subscription,
    WebhookChanged,
    WebhookCreated,
    WebhookDisabled,
    WebhookRedeliveryRequested,
    WebhookRemoved,
)
from tests.support.deciders import given, state_of
from tests.support.histories import HOUR, OPERATOR, SYSTEM, T0, by

PLACE = Subscription(url="https://siem.example.org/hook", types=("certificate.deployment.*",))
OTHER = msgspec.structs.replace(PLACE, url="https://other.example.org/hook")
CREATED = WebhookCreated(meta=by(OPERATOR), subscription=PLACE, secret_version=1)
META = by(OPERATOR, T0 + HOUR)
GONE = WebhookDisabled(meta=by(SYSTEM), reason=DisabledReason.GONE, position=7, detail="410 Gone")
REMOVED = WebhookRemoved(meta=META)


def changed(subscription: Subscription = PLACE, *, enabled: bool = True) -> WebhookChanged:
    return WebhookChanged(meta=META, subscription=subscription, secret_version=1, enabled=enabled)


def test_a_new_webhook_is_enabled() -> None:
    """With its first secret, from the instant it was made."""
    found = state_of(CREATED)
    assert (found.subscription, found.enabled, found.enabled_at, found.secret_version) == (PLACE, True, T0, 1)


def test_a_change_is_the_whole_new_description() -> None:
    """Of an enabled one, of a disabled one, which stays so; no change makes no event."""
    then = given(CREATED).when(webhooks.change, META, OTHER, enabled=None).then(changed(OTHER))
    assert (then.state.subscription, then.state.enabled, then.state.enabled_at) == (OTHER, True, T0)
    given(CREATED).when(webhooks.change, META, PLACE, enabled=True).then_nothing()
    off = given(CREATED, GONE).when(webhooks.change, META, OTHER, enabled=None).then(changed(OTHER, enabled=False))
    assert (off.state.enabled, off.state.disabled_reason) == (False, DisabledReason.GONE)


def test_off_and_on_again() -> None:
    """By hand, also together with another change; enabled again it counts from then on."""
    by_hand = WebhookDisabled(meta=META, reason=DisabledReason.BY_HAND)
    given(CREATED).when(webhooks.change, META, PLACE, enabled=False).then(by_hand)
    then = given(CREATED).when(webhooks.change, META, OTHER, enabled=False).then(changed(OTHER), by_hand)
    assert (then.state.enabled, then.state.disabled_reason) == (False, DisabledReason.BY_HAND)
    on = given(CREATED, GONE).when(webhooks.change, META, PLACE, enabled=True).then(changed())
    assert (on.state.enabled, on.state.disabled_reason, on.state.enabled_at) == (True, None, T0 + HOUR)


def test_it_is_disabled_once() -> None:
    """Whoever comes later finds it so already."""
    when = given(CREATED).when(webhooks.disable, by(SYSTEM), DisabledReason.GONE, position=7, detail="410 Gone")
    assert when.then(GONE).state.disabled_reason is DisabledReason.GONE
    given(CREATED, GONE).when(webhooks.disable, META, DisabledReason.FAILING).then_nothing()
    given(CREATED, REMOVED).when(webhooks.disable, META, DisabledReason.FAILING).then_nothing()


def test_a_new_secret_and_the_former_one_for_a_while() -> None:
    """The version counts on; without any time in between the former one ends at once."""
    later = META.at + timedelta(hours=24)
    event = WebhookChanged(
        meta=META, subscription=PLACE, secret_version=3, former_secret_version=1, former_secret_until=later
    )
    then = given(CREATED).when(webhooks.rotate, META, version=3, former_until=later).then(event)
    assert (then.state.secret_version, then.state.former_secret_version, then.state.former_secret_until) == (
        3,
        1,
        later,
    )
    moved = given(CREATED, event).when(webhooks.change, META, OTHER, enabled=None)
    moved.then(msgspec.structs.replace(event, subscription=OTHER))
    at_once = msgspec.structs.replace(event, former_secret_version=None, former_secret_until=None)
    given(CREATED).when(webhooks.rotate, META, version=3, former_until=META.at).then(at_once)


def test_events_are_asked_for_again() -> None:
    """Not of a webhook that is off: enabled again, it goes on where it stopped."""
    event = WebhookRedeliveryRequested(meta=META, from_position=3)
    then = given(CREATED).when(webhooks.request_redelivery, META, from_position=3).then(event)
    assert then.state == state_of(CREATED)
    off = given(CREATED, GONE).when(webhooks.request_redelivery, META, from_position=3)
    off.refused(Code.INVALID_TRANSITION, saying="enable it", current_status="disabled")


def test_what_was_removed_is_over() -> None:
    """Removing again makes no event; everything else is refused."""
    assert given(CREATED).when(webhooks.remove, META).then(REMOVED).state.enabled is False
    given(CREATED, REMOVED).when(webhooks.remove, META).then_nothing()
    over = given(CREATED, REMOVED)
    for refused in (
        over.when(webhooks.change, META, OTHER, enabled=True),
        over.when(webhooks.rotate, META, version=2, former_until=META.at),
        over.when(webhooks.request_redelivery, META, from_position=1),
    ):
        refused.refused(Code.INVALID_TRANSITION, saying="removed", current_status="removed")
