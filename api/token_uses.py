"""When each API token was last used: noted in memory beside the requests, written down every few seconds.

It is no history: what a token did is told by events, which name it. A token is told of once a minute at most.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from application.ports import TokenUses
from projections.stopping import asked_to_stop

log = logging.getLogger("certferry.api")
_EVERY_SECONDS = 5.0
_LAST_SECONDS = 2.0
_MINUTE = timedelta(minutes=1)


class UsedTokens:
    """What this process saw."""

    def __init__(self) -> None:
        self._seen: dict[UUID, datetime] = {}
        self._untold: dict[UUID, datetime] = {}

    def note(self, token_id: UUID, at: datetime) -> None:
        """Somebody came with this token, and it counted."""
        before = self._seen.get(token_id)
        if before is None or at - before >= _MINUTE:
            self._seen[token_id] = self._untold[token_id] = at

    async def last(self, kept: TokenUses, token_ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """When these were last used, in whichever process."""
        found = await kept.last_used(token_ids) if token_ids else {}
        here = {token_id: self._seen[token_id] for token_id in token_ids if token_id in self._seen}
        return found | {token_id: max(at, found.get(token_id, at)) for token_id, at in here.items()}

    async def tell(self, kept: TokenUses) -> None:
        """Write down what is new; what could not be written is tried again."""
        untold, self._untold = self._untold, {}
        try:
            await kept.used(untold)
        except Exception:
            self._untold = untold | self._untold
            raise

    async def follow(self, kept: TokenUses) -> None:
        """Tell again and again."""
        while not asked_to_stop():
            await asyncio.sleep(_EVERY_SECONDS)
            try:
                await self.tell(kept)
            except Exception as error:  # noqa: BLE001 - told again soon
                log.warning("uses of tokens could not be written down: %s", type(error).__name__)

    async def finish(self, kept: TokenUses) -> None:
        """Tell the rest, if that is quickly done."""
        with suppress(Exception):
            async with asyncio.timeout(_LAST_SECONDS):
                await self.tell(kept)
