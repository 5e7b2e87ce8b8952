"""Reading one's writes: an answer never lies behind what this process has acknowledged, nor behind `min_position`."""

from api.directory import Positions
from api.problems import Problem

LARGEST = 2**53 - 1
"""What every JSON reader can hold exactly (RFC 8259, section 6)."""


class Acknowledged:
    """The highest ledger position that this process has told anybody (`Event-Position`)."""

    def __init__(self) -> None:
        self.highest = 0

    def note(self, position: int) -> None:
        """Told somebody."""
        self.highest = max(self.highest, position)


async def catch_up(positions: Positions, wanted: int, timeout: float) -> None:
    """Wait until the read models show `wanted`. Raises 503 with Retry-After after `timeout` seconds."""
    if wanted <= positions.current or await positions.wait(wanted, timeout):
        return
    raise Problem(
        "unavailable",
        f"The read models show position {positions.current} and do not show {wanted} yet.",
        headers={"Retry-After": "1"},
    )
