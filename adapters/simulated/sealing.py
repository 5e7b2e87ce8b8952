"""Sealing as it looks where all is well, and a ledger that always holds: in memory there are no stored bytes."""

from application.ledger_verifying import Findings
from application.sealing_watch import SealingState
from domain.transparency.checkpoint import Checkpoint


class SimulatedSealing:
    """application.sealing_watch.SealingWatch; `now` is what it says."""

    def __init__(self) -> None:
        self.now = SealingState(head=0, sealed=0)

    async def state(self) -> SealingState:
        """See SealingWatch.state."""
        return self.now


class SimulatedVerifier:
    """application.ledger_verifying.LedgerVerifier; `found` is what it finds."""

    def __init__(self) -> None:
        self.found = Findings(size=0, checkpoints=0)

    async def verify(self, outside: Checkpoint | None) -> Findings:
        """See LedgerVerifier.verify."""
        if outside is not None and outside.size > self.found.size:
            return self.found._replace(finding=f"the ledger ends before {outside.size}")
        return self.found
