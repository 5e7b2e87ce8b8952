"""Waiting for the read models: for as long as it may help, and no longer."""

import pytest

from api.positions import Acknowledged
from api.problems import Problem


class Positions:
    """Read models that show a position, and move on when they are waited for, or not."""

    def __init__(self, current: int, *, moving: bool) -> None:
        self.current = current
        self.moving = moving
        self.waits = 0

    async def wait(self, position: int, timeout: float) -> bool:
        self.waits += 1
        if self.moving:
            self.current = max(self.current, position)
        return self.current >= position


async def test_what_was_acknowledged_is_waited_for() -> None:
    """And nothing else is: what is shown already costs no waiting."""
    acknowledged, positions = Acknowledged(), Positions(5, moving=True)
    acknowledged.note(7)
    assert [await acknowledged.shown(positions, 0, 1) for _ in range(3)] == [7, 7, 7]
    assert await acknowledged.shown(positions, 9, 1) == 9
    assert positions.waits == 2


async def test_nobody_waits_twice_for_read_models_that_stand_still() -> None:
    """Unless more was asked for, which is refused in the end; when they move, they are waited for again."""
    acknowledged, positions = Acknowledged(), Positions(5, moving=False)
    acknowledged.note(7)
    assert [await acknowledged.shown(positions, 0, 1) for _ in range(3)] == [5, 5, 5]
    assert positions.waits == 1
    assert await acknowledged.shown(positions, 4, 1) == 5
    with pytest.raises(Problem, match="5"):
        await acknowledged.shown(positions, 6, 1)
    assert positions.waits == 2
    positions.current, positions.moving = 6, True
    assert await acknowledged.shown(positions, 0, 1) == 7
