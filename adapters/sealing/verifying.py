"""Verifying the whole ledger in a thread of the worker: application.ledger_verifying.LedgerVerifier."""

import asyncio

from adapters.postgres.raw import connect_raw, head
from adapters.sealing.leaves import Mismatch
from adapters.sealing.recomputing import Recomputation
from application.ledger_verifying import Findings
from domain.transparency.checkpoint import Checkpoint

STEP = 16_384


class PostgresLedgerVerifier:
    """Reads with the application's role. Each verification has a connection of its own."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    async def verify(self, outside: Checkpoint | None) -> Findings:
        """See LedgerVerifier."""
        return await asyncio.to_thread(verify_ledger, self._dsn, outside)


def verify_ledger(dsn: str, outside: Checkpoint | None = None) -> Findings:
    """Every leaf, tile and checkpoint, what is not sealed yet included. Raises psycopg.Error."""
    roots = {outside.size: outside.root} if outside else {}
    with connect_raw(dsn, "certferry verification") as connection:
        pass_ = Recomputation(connection, roots=roots)
        end = max(head(connection), pass_.end)
        try:
            while True:
                pass_.step(min(pass_.size + STEP, end))
                if pass_.size == end:
                    return Findings(pass_.size, pass_.checkpoints, pass_.root())
        except Mismatch as mismatch:
            return Findings(pass_.size, pass_.checkpoints, None, mismatch.position, str(mismatch))
