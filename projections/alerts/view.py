"""Alerts: what should a person look at?"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from domain.alert import Alert, AlertKind
from projections.rows import Page, Row

AlertRow = Row[Alert]


class AlertFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and". `open`: not resolved."""

    kind: tuple[AlertKind, ...] = ()
    cause: tuple[str, ...] = ()
    subject_id: tuple[UUID, ...] = ()
    open: bool | None = None
    acknowledged: bool | None = None


class Alerts(Protocol):
    """Questions about alerts. Every answer is one statement; lists are newest first."""

    async def get(self, alert_id: UUID) -> AlertRow | None:
        """One alert; concurrent calls share a statement."""
        ...

    async def list(
        self, narrow: AlertFilter = AlertFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[AlertRow]:
        """One page. Raises BadCursor."""
        ...

    async def open_of_cause(self, cause: str) -> Sequence[UUID]:
        """Open alerts of a cause, oldest first."""
        ...

    async def known_causes(self, causes: Sequence[str]) -> set[str]:
        """Those that have had an alert, open or not."""
        ...

    async def open_of_kind(self, kind: AlertKind, subject_id: UUID | None = None) -> Sequence[UUID]:
        """Open alerts of a kind, of one subject or of all, oldest first."""
        ...

    async def latest_ordinal(self, cause: str) -> int:
        """How many alerts this cause has had; 0 for none."""
        ...
