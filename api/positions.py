"""Reading one's writes: an answer waits for what this process has acknowledged, and never lies behind `min_position`.

Every answer from the read models says in `Read-Position` up to which ledger position it shows everything, at least.
"""

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from api.directory import Positions
from api.problems import Problem

HEADER = "Read-Position"
_STATE = "read_position"

LARGEST = 2**53 - 1
"""What every JSON reader can hold exactly (RFC 8259, section 6)."""


class Acknowledged:
    """The highest ledger position that this process has told anybody (`Event-Position`)."""

    def __init__(self) -> None:
        self.highest = 0
        self._in_vain_at: int | None = None

    def note(self, position: int) -> None:
        """Told somebody."""
        self.highest = max(self.highest, position)

    async def shown(self, positions: Positions, min_position: int, timeout: float) -> int:
        """Wait until the read models show all this, or for `timeout` seconds; what they show then.

        Raises 503 where that is less than the `min_position` somebody asked for. While they stand still (no worker
        runs), the wait in vain is not repeated for what nobody asked for.
        """
        standing_still = positions.current == self._in_vain_at
        wanted = min_position if standing_still else max(min_position, self.highest)
        if wanted > positions.current and not await positions.wait(wanted, timeout):
            self._in_vain_at = positions.current
        if min_position > positions.current:
            raise _behind(positions, min_position)
        return positions.current


def note_shown(scope: Scope, position: int) -> None:
    """The answer to this request shows everything up to a position, at least."""
    scope["state"][_STATE] = position


def shown_position(scope: Scope) -> int:
    """Up to which position the answer to this request shows everything; 0 where nobody has asked a read model."""
    position: int = scope["state"].get(_STATE, 0)
    return position


async def tell_shown(message: Message, scope: Scope) -> None:
    """For `Litestar(before_send=...)`: the header Read-Position."""
    if message["type"] == "http.response.start" and (position := scope["state"].get(_STATE)) is not None:
        MutableScopeHeaders.from_message(message)[HEADER] = str(position)


async def catch_up(positions: Positions, wanted: int, timeout: float) -> None:
    """Wait until the read models show `wanted`. Raises 503 with Retry-After after `timeout` seconds."""
    if wanted <= positions.current or await positions.wait(wanted, timeout):
        return
    raise _behind(positions, wanted)


def _behind(positions: Positions, wanted: int) -> Problem:
    return Problem(
        "unavailable",
        f"The read models show position {positions.current} and do not show {wanted} yet.",
        headers={"Retry-After": "1"},
    )
