"""Discoveries: what did a target system really hold, and when?"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from domain.discovery import Discovery
from projections.rows import Page, Row

DiscoveryRow = Row[Discovery]


class DiscoveryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and"."""

    target_system_id: tuple[UUID, ...] = ()
    completed: bool | None = None
    healthy: bool | None = None


class Discoveries(Protocol):
    """Questions about discoveries. Every answer is one statement; lists are newest first."""

    async def get(self, discovery_id: UUID) -> DiscoveryRow | None:
        """One discovery; concurrent calls share a statement."""
        ...

    async def list(
        self, narrow: DiscoveryFilter = DiscoveryFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[DiscoveryRow]:
        """One page. Raises BadCursor."""
        ...

    async def latest(self, target_system_ids: Sequence[UUID]) -> dict[UUID, DiscoveryRow]:
        """The last completed discovery of each target system that has one."""
        ...
