"""Is the ledger being sealed? What a person should hear of it, when not."""

from typing import Protocol

import msgspec

LATE_SECONDS = 300.0
"""An event that waits longer for its checkpoint is late."""
CHECK_LATE_SECONDS = 2 * 86_400.0
"""A self-check that ended longer ago is late."""


class SealingState(msgspec.Struct, frozen=True, kw_only=True):
    """How sealing stands.

    `waiting`: seconds since the first event that no checkpoint covers was recorded. `checked`: seconds since the last
    self-check ended, or, where none has ended yet, since the first checkpoint. `stopped`: the mismatch that stopped it
    for good. `trouble`: why a checkpoint could not be sent to everywhere it should go.
    """

    head: int
    sealed: int
    waiting: float | None = None
    checked: float | None = None
    stopped: str | None = None
    trouble: str | None = None

    @property
    def late(self) -> str | None:
        """What is late, in a sentence."""
        if self.waiting is not None and self.waiting > LATE_SECONDS:
            return (
                f"The events from position {self.sealed + 1} on are not sealed, the first of them has waited "
                f"{self.waiting / 60:.0f} minutes: is the sealing process running (certferry seal)?"
            )
        if self.checked is not None and self.checked > CHECK_LATE_SECONDS:
            return f"The last self-check of the ledger ended {self.checked / 3600:.0f} hours ago."
        return None


class SealingWatch(Protocol):
    """Looks at sealing from outside the process that does it."""

    async def state(self) -> SealingState:
        """How it stands now."""
        ...
