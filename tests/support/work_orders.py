"""Work orders in every status, each reached by decisions."""

import pytest

from domain import work_order
from domain.entity import Event
from domain.push_states import SupersededReason
from tests.support.deciders import state_of
from tests.support.histories import (
    APPROVER,
    DAY,
    FIRST,
    HOUR,
    REQUESTER,
    SYSTEM,
    T0,
    approved,
    by,
    implemented,
    requested,
    scheduled,
)

LATE = T0 + 3 * HOUR


def failed(before: tuple[Event, ...] = implemented()) -> tuple[Event, ...]:
    return *before, *work_order.fail(state_of(*before), by(SYSTEM, LATE), FIRST, cause="unknown", message="no")


def completed() -> tuple[Event, ...]:
    return *implemented(), *work_order.complete(state_of(*implemented()), by(SYSTEM, LATE), FIRST)


def rejected() -> tuple[Event, ...]:
    return *requested(), *work_order.reject(state_of(*requested()), by(APPROVER, LATE))


def cancelled() -> tuple[Event, ...]:
    return *requested(), *work_order.cancel(state_of(*requested()), by(REQUESTER, LATE))


def expired() -> tuple[Event, ...]:
    return *requested(), *work_order.expire(state_of(*requested()), by(SYSTEM, T0 + 8 * DAY))


def superseded() -> tuple[Event, ...]:
    reason = SupersededReason.CONNECTOR_REMOVED
    return *requested(), *work_order.supersede(state_of(*requested()), by(SYSTEM, LATE), reason)


OPEN = {"pending": requested(), "review": approved(), "scheduled": scheduled(), "implementing": implemented()}
ENDED = {
    "failed": failed(),
    "completed": completed(),
    "rejected": rejected(),
    "cancelled": cancelled(),
    "expired": expired(),
    "superseded": superseded(),
}


def each_of(**histories: tuple[Event, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("history", histories.values(), ids=list(histories))
