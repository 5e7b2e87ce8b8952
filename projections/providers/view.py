"""Providers: through which CAs can certificates be ordered?"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from domain.provider import RegisteredProvider
from projections.rows import Page, Row

ProviderRow = Row[RegisteredProvider]


class ProviderFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and". `q` is a part of the name, whatever the case."""

    provider: tuple[str, ...] = ()
    retired: bool | None = None
    q: str | None = None


class Providers(Protocol):
    """Questions about providers. Every answer is one statement; lists are by name."""

    async def get(self, provider_id: UUID) -> ProviderRow | None:
        """One provider; concurrent calls share a statement."""
        ...

    async def list(
        self, narrow: ProviderFilter = ProviderFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[ProviderRow]:
        """One page. Raises BadCursor."""
        ...

    def stream(self, narrow: ProviderFilter = ProviderFilter()) -> AsyncIterator[Sequence[ProviderRow]]:
        """The whole list in batches, for exports."""
        ...

    async def in_use(self, kind: str) -> Sequence[UUID]:
        """Those of a kind that take orders."""
        ...
