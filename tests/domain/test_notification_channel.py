"""Notification channels: created, changed, tried out, retired; of which alerts they tell."""

import msgspec

from domain import ids
from domain import notification_channel as channels
from domain.alert import AlertKind
from domain.errors import Code
from domain.notification_channel import (
    ChannelKind,
    ChannelTerms,
    NotificationChannelChanged,
    NotificationChannelCreated,
    NotificationChannelRetired,
    NotificationChannelTested,
)
from tests.support.deciders import given, state_of
from tests.support.histories import HOUR, OPERATOR, T0, by

TERMS = ChannelTerms(name="On call", settings={"host": "mail.example.org"}, alert_kinds=(AlertKind.EXPIRY,))
OFF = msgspec.structs.replace(TERMS, enabled=False)
CREATED = NotificationChannelCreated(meta=by(OPERATOR), kind=ChannelKind.MAIL, terms=TERMS)
META = by(OPERATOR, T0 + HOUR)
DELIVERY = ids.derive("test", "delivery")


def test_a_channel_is_changed_until_it_is_retired() -> None:
    """The same description again makes no event; a test changes nothing; what is retired stays so."""
    changed = NotificationChannelChanged(meta=META, terms=OFF)
    assert OFF == given(CREATED).when(channels.change, META, OFF).then(changed).state.terms
    given(CREATED).when(channels.change, META, TERMS).then_nothing()
    tested = NotificationChannelTested(meta=META, delivery_id=DELIVERY)
    assert state_of(CREATED) == given(CREATED).when(channels.request_test, META, DELIVERY).then(tested).state
    retired = NotificationChannelRetired(meta=META)
    given(CREATED).when(channels.retire, META).then(retired)
    given(CREATED, retired).when(channels.retire, META).then_nothing()
    given(CREATED, retired).when(channels.change, META, OFF).refused(Code.INVALID_TRANSITION)
    given(CREATED, retired).when(channels.request_test, META, DELIVERY).refused(Code.INVALID_TRANSITION)


def test_it_tells_of_its_kinds_of_alert_while_it_is_on() -> None:
    """Without kinds, of all."""
    every = msgspec.structs.replace(TERMS, alert_kinds=())
    for terms, kind, takes in (
        (TERMS, AlertKind.EXPIRY, True),
        (TERMS, AlertKind.PUSH_FAILED, False),
        (every, AlertKind.PUSH_FAILED, True),
        (OFF, AlertKind.EXPIRY, False),
    ):
        state = state_of(CREATED, NotificationChannelChanged(meta=META, terms=terms))
        assert takes is state.takes(kind), (terms, kind)
    assert not state_of(CREATED, NotificationChannelRetired(meta=META)).takes(AlertKind.EXPIRY)
