"""From the steps of one push to what it waited for. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from domain.connector_events import ValidationState
from projections.connector_records.view import DeliveryStep
from projections.lead_times.view import Delivery, Outcome, Wait
from projections.push_records.view import PushRecord, Step
from projections.scope import seconds


class Mark(NamedTuple):
    """An event that ends a wait."""

    step: str
    position: int
    at: datetime
    person_id: str | None = None


_ENDS = {
    Step.REJECTED: Outcome.REJECTED,
    Step.CANCELLED: Outcome.CANCELLED,
    Step.EXPIRED: Outcome.EXPIRED,
    Step.SUPERSEDED: Outcome.SUPERSEDED,
    Step.FAILED: Outcome.FAILED,
}


def marks(push: PushRecord, deliveries: Sequence[Delivery]) -> list[Mark]:
    """What ended each wait, in order; the first is the request."""
    return [Mark("request", push.requested.position, push.requested.at), *_decided(push), *_delivered(deliveries)]


def waits(found: Sequence[Mark], *, persons: bool) -> tuple[Wait, ...]:
    """The time between each mark and the one before it."""
    return tuple(
        Wait(
            step=mark.step,
            seconds=seconds(before.at, mark.at),
            at=mark.at,
            positions=(before.position, mark.position),
            person_id=mark.person_id if persons else None,
        )
        for before, mark in pairwise(found)
    )


def outcome(push: PushRecord, found: Sequence[Mark]) -> Outcome:
    """How far it has come."""
    if found[-1].step == "validation":
        return Outcome.VALIDATED
    if push.first(Step.COMPLETED) is not None:
        return Outcome.INSTALLED
    last = push.facts[-1].step
    return _ENDS.get(last, Outcome.OPEN)


def _decided(push: PushRecord) -> Iterator[Mark]:
    for number, fact in enumerate(push.approvals, 1):
        yield Mark(f"approval_{number}", fact.position, fact.at, fact.person)
    implementation, ran = push.implementation, push.ran
    if implementation is not None:
        person = implementation.person if implementation.by_person else None
        yield Mark("implementation", implementation.position, implementation.at, person)
    if ran is not None and ran is not implementation:
        yield Mark("schedule", ran.position, ran.at)


def _delivered(deliveries: Sequence[Delivery]) -> Iterator[Mark]:
    """The attempt that succeeded, and its verification; of a push that never succeeded, the latest attempt."""
    began = [number for number, found in enumerate(deliveries) if found.step == DeliveryStep.DISPATCHED]
    done = next((n for n, found in enumerate(deliveries) if found.step == DeliveryStep.INSTALLED), len(deliveries))
    before = [number for number in began if number <= done]
    if not before:
        return
    attempt = deliveries[before[-1] :]
    yield Mark("dispatch", attempt[0].position, attempt[0].at)
    for step, name in ((DeliveryStep.PICKED_UP, "pickup"), (DeliveryStep.INSTALLED, "installation")):
        found = next((delivery for delivery in attempt if delivery.step == step), None)
        if found is None:
            return
        yield Mark(name, found.position, found.at)
    proved = _validated(attempt)
    if proved is not None:
        yield Mark("validation", proved.position, proved.at)


def _validated(attempt: Sequence[Delivery]) -> Delivery | None:
    """The result that completed the proof: every endpoint matched in its first result after the push."""
    wanted = set(attempt[0].endpoints)
    for delivery in attempt:
        if delivery.step == DeliveryStep.VERIFIED:
            if delivery.state != ValidationState.MATCHED:
                return None
            wanted -= set(delivery.endpoints)
            if not wanted:
                return delivery
    return None
