"""Target systems: which devices are certificates installed on?"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from domain.target_system import TargetSystem
from projections.rows import Page, Row

TargetSystemRow = Row[TargetSystem]


class TargetSystemFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and". `q` is a part of the name, whatever the case."""

    bridge_id: tuple[UUID, ...] = ()
    kind: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    cloud: bool | None = None
    retired: bool | None = None
    q: str | None = None


class TargetSystems(Protocol):
    """Questions about target systems. Every answer is one statement; lists are by name."""

    async def get(self, target_system_id: UUID) -> TargetSystemRow | None:
        """One target system; concurrent calls share a statement."""
        ...

    async def get_many(self, target_system_ids: Sequence[UUID]) -> dict[UUID, TargetSystemRow]:
        """Those that exist."""
        ...

    async def list(
        self, narrow: TargetSystemFilter = TargetSystemFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[TargetSystemRow]:
        """One page. Raises BadCursor."""
        ...

    def stream(self, narrow: TargetSystemFilter = TargetSystemFilter()) -> AsyncIterator[Sequence[TargetSystemRow]]:
        """The whole list in batches, for exports."""
        ...
