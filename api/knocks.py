"""Anonymous failures: counted per source and minute, so that nobody can fill the ledger by knocking."""

import logging
from datetime import datetime

log = logging.getLogger("certferry.api")
_SOURCES = 10_000


class Knocks:
    """How often each address failed to sign in during the running minute; `total` since the start of the process."""

    def __init__(self) -> None:
        self.total = 0
        self._minute = 0
        self._failures: dict[str, int] = {}

    def count(self, source: str, now: datetime) -> None:
        """One more failure of a source; the minute before is logged when a new one begins."""
        minute = int(now.timestamp() // 60)
        if minute != self._minute:
            self._report()
            self._minute = minute
        self.total += 1
        if source in self._failures or len(self._failures) < _SOURCES:
            self._failures[source] = self._failures.get(source, 0) + 1

    def _report(self) -> None:
        for source, times in self._failures.items():
            log.warning("unauthenticated requests from %s: %d in one minute", source, times)
        self._failures.clear()
