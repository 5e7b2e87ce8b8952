"""Whether the syslog receiver gets the events is looked at by a timer; what a person should hear becomes an alert."""

import msgspec
import pytest

from application.syslog_watch import SyslogError, SyslogState
from domain.alert import AlertKind, AlertRaised, AlertResolved
from tests.support.field import Field
from tests.support.office import Office
from tests.support.world import World

FINE = SyslogState(head=10, position=10, late_after=300.0)
WAITING = SyslogState(head=10, position=7, late_after=300.0, waiting=300.0)
LATE = SyslogState(
    head=10, position=7, late_after=300.0, waiting=301.0, failures=9, error=SyslogError.CONNECTION_REFUSED
)


async def test_a_receiver_that_lacks_events_raises_one_alert_until_it_has_them() -> None:
    """However often the timer looks; the message says from which position on, and why."""
    world = World()
    office = Office(world, Field())

    async def look(state: SyslogState) -> None:
        office.syslog.now = state
        await office.later(seconds=30)

    for state in (FINE, WAITING):
        await look(state)
    assert world.events(AlertRaised) == []
    for _ in range(3):
        await look(LATE)
    [alert] = world.events(AlertRaised)
    assert isinstance(alert, AlertRaised)
    assert alert.kind is AlertKind.SYSLOG_BEHIND
    assert "position 8 on" in alert.message
    assert "connection_refused" in alert.message
    await look(FINE)
    assert len(world.events(AlertResolved)) == 1


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (FINE, None),
        (WAITING, None),
        (LATE, "the last attempt ended with connection_refused"),
        (msgspec.structs.replace(LATE, error=None), "is a worker running"),
    ],
)
def test_what_is_late(state: SyslogState, said: str | None) -> None:
    """An event that waits longer than the settings say; nobody who sends is another reason than a receiver away."""
    assert (state.late is None) is (said is None)
    assert said is None or said in (state.late or "")
