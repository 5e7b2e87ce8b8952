"""The ledger's origin: the name that its checkpoints are signed under, in every process the same."""

import asyncio
import socket

from projections.audit_trail.cloud_events import Origin
from projections.reading.postgres import Reader

_ORIGIN = "SELECT split_part(note, E'\\n', 1) FROM ledger.checkpoints ORDER BY number LIMIT 1"
_ASK_AGAIN_SECONDS = 60.0


class LedgerOrigin:
    """Asked of the database, and then known. Before the first checkpoint it is what the first one would be named."""

    def __init__(self, rows: Reader, url: str, named: str = "") -> None:
        """`url`: where the service is reached. `named`: the origin that the settings name, if they do."""
        self._rows = rows
        self._url = url
        self._named = named
        self._known: Origin | None = None
        self._ask_at = 0.0

    async def __call__(self) -> Origin:
        """The origin as it is known now."""
        now = asyncio.get_running_loop().time()
        if self._known is None or now >= self._ask_at:
            found = await self._rows.rows_or_none(_ORIGIN)
            name = found[0][0] if found else self._named or f"{await asyncio.to_thread(socket.getfqdn)}/certferry"
            self._known = Origin(name, self._url)
            self._ask_at = float("inf") if found else now + _ASK_AGAIN_SECONDS
        return self._known
