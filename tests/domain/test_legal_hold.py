"""Legal holds: set, released, and what they cover."""

import pytest

from domain import ids, legal_hold
from domain.errors import Code
from domain.legal_hold import LegalHoldReleased, LegalHolds, LegalHoldSet
from tests.support.deciders import given, state_of
from tests.support.histories import OPERATOR, by

ADMIN = by(OPERATOR)
RITA, ANTON = ids.derive("principal", "rita"), ids.derive("principal", "anton")
ONE, TWO = ids.derive("hold", 1), ids.derive("hold", 2)
ON_RITA = LegalHoldSet(meta=ADMIN, hold_id=ONE, principal_id=RITA, reason="case 4711")
ON_ALL = LegalHoldSet(meta=ADMIN, hold_id=TWO, reason="audit")
RELEASED = LegalHoldReleased(meta=ADMIN, hold_id=ONE, principal_id=RITA, reason="over")


def test_a_hold_is_set_once() -> None:
    """A repeat makes no second event."""
    wish = {"hold_id": ONE, "principal_id": RITA, "reason": "case 4711"}
    given().when(legal_hold.set_hold, ADMIN, **wish).then(ON_RITA)
    given(ON_RITA).when(legal_hold.set_hold, ADMIN, **wish).then_nothing()


def test_a_hold_covers_one_or_everybody() -> None:
    """Without a principal it covers all."""
    holds: LegalHolds = state_of(ON_RITA, ON_ALL)
    assert [hold.id for hold in holds.on(RITA)] == [ONE, TWO]
    assert [hold.id for hold in holds.on(ANTON)] == [TWO]
    assert (holds.open[0].set_by, holds.open[0].set_at) == (OPERATOR, ADMIN.at)


def test_a_released_hold_covers_nobody() -> None:
    """It stays in the list; releasing again makes no event, releasing what never was is refused."""
    then = given(ON_RITA).when(legal_hold.release, ADMIN, ONE, "over").then(RELEASED)
    assert (then.state.on(RITA), then.state.open) == ((), ())
    assert then.state.get(ONE).released == RELEASED
    given(ON_RITA, RELEASED).when(legal_hold.release, ADMIN, ONE, None).then_nothing()


@pytest.mark.parametrize("history", [(), (ON_RITA,)])
def test_an_unknown_hold(history: tuple[LegalHoldSet, ...]) -> None:
    """Nothing to release."""
    given(*history).when(legal_hold.release, ADMIN, TWO, None).refused(Code.NOT_FOUND)
