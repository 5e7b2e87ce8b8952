"""Bridges: which agents are there, and are they connected? (When one was last seen is kept elsewhere: no history.)"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from domain.bridge import Bridge, BridgeStatus
from projections.rows import Page, Row

BridgeRow = Row[Bridge]


class BridgeFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and". `q` is a part of the name, whatever the case."""

    status: tuple[BridgeStatus, ...] = ()
    q: str | None = None


class Bridges(Protocol):
    """Questions about bridges. Every answer is one statement; lists are by name."""

    async def get(self, bridge_id: UUID) -> BridgeRow | None:
        """One bridge; concurrent calls share a statement."""
        ...

    async def get_many(self, bridge_ids: Sequence[UUID]) -> dict[UUID, BridgeRow]:
        """Those that exist."""
        ...

    async def list(
        self, narrow: BridgeFilter = BridgeFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[BridgeRow]:
        """One page. Raises BadCursor."""
        ...

    async def by_certificate(self, fingerprint_sha256: str) -> BridgeRow | None:
        """The bridge whose current client certificate this is (SHA-256 fingerprint, lower-case hex)."""
        ...

    async def by_enrolment_token(self, token_sha256: str) -> BridgeRow | None:
        """The bridge that waits for this unspent enrolment token (SHA-256, lower-case hex)."""
        ...
