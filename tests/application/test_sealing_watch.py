"""Whether the ledger is sealed is looked at by a timer; what a person should hear of becomes an alert."""

import pytest

from application.sealing_watch import CHECK_LATE_SECONDS, LATE_SECONDS, SealingState
from domain.alert import AlertKind, AlertRaised, AlertResolved
from domain.entity import Event
from tests.support.field import Field
from tests.support.office import Office
from tests.support.world import World

FINE = SealingState(head=10, sealed=10, checked=60.0)
LATE = SealingState(head=10, sealed=7, waiting=LATE_SECONDS + 1)
STOPPED = SealingState(head=10, sealed=7, waiting=LATE_SECONDS + 1, stopped="position 8: the event is missing")


class Watched:
    """An office whose sealing can be set."""

    def __init__(self) -> None:
        self.world = World()
        self.office = Office(self.world, Field())

    async def look(self, state: SealingState) -> None:
        self.office.sealing.now = state
        await self.office.later(seconds=30)

    def raised(self) -> list[AlertRaised]:
        return [event for event in self.world.events(AlertRaised) if isinstance(event, AlertRaised)]

    def resolved(self) -> list[Event]:
        return self.world.events(AlertResolved)


async def test_sealing_that_is_late_raises_one_alert_until_it_goes_on() -> None:
    """However often the timer looks; the message says from which position on, and what to start."""
    watched = Watched()
    await watched.look(FINE)
    assert [] == watched.raised()
    for _ in range(3):
        await watched.look(LATE)
    [alert] = watched.raised()
    assert AlertKind.LEDGER_CHECK_LATE is alert.kind
    assert "position 8 on" in alert.message
    assert "certferry seal" in alert.message
    await watched.look(FINE)
    assert 1 == len(watched.resolved())


async def test_a_mismatch_raises_an_alert_of_its_own() -> None:
    """It names the position; that sealing is late as well goes without saying."""
    watched = Watched()
    await watched.look(LATE)
    for _ in range(2):
        await watched.look(STOPPED)
    late, mismatch = watched.raised()
    assert (AlertKind.LEDGER_CHECK_LATE, AlertKind.LEDGER_MISMATCH) == (late.kind, mismatch.kind)
    assert "position 8: the event is missing" in mismatch.message
    assert 1 == len(watched.resolved())
    await watched.look(FINE)
    assert 2 == len(watched.resolved())


@pytest.mark.parametrize(
    ("state", "late"),
    [
        (FINE, False),
        (SealingState(head=0, sealed=0), False),
        (SealingState(head=10, sealed=7, waiting=LATE_SECONDS), False),
        (LATE, True),
        (SealingState(head=10, sealed=10, checked=CHECK_LATE_SECONDS), False),
        (SealingState(head=10, sealed=10, checked=CHECK_LATE_SECONDS + 1), True),
    ],
)
def test_what_is_late(state: SealingState, late: bool) -> None:
    """Events that wait for five minutes, a self-check of two days ago."""
    assert late == (state.late is not None)
