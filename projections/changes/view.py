"""Changes: what was added, removed, renewed, re-targeted, and what changed its status, owner, tags or roles, between
two moments?
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import msgspec

from domain.entity import Actor
from projections.rows import Page


class Moment(NamedTuple):
    """A position, and the clock that statuses refer to."""

    position: int
    at: datetime


class Span(NamedTuple):
    """Everything after one moment up to another."""

    start: Moment
    end: Moment


class ChangeKind(StrEnum):
    """What kind of change a line tells."""

    ADDED = "added"
    REMOVED = "removed"
    RENEWED = "renewed"
    RETARGETED = "retargeted"
    STATUS_CHANGED = "status_changed"
    OWNER_CHANGED = "owner_changed"
    TAGS_CHANGED = "tags_changed"
    ROLES_CHANGED = "roles_changed"
    RENAMED = "renamed"
    UNREADABLE = "unreadable"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One line: the fact `field` of a thing was `before` and is `after`.

    `kind` is the thing's (certificate, connector, work_order, target_system, bridge, principal), `name` what people
    call it. `detail` is the endpoint where each has a value of its own. An added thing's `after` are all its facts when
    it was added. `positions`: the events that changed the fact, ascending; `by`: who did. `clock`: no event did, time
    passed; the position is then that of the validity dates.
    """

    change: ChangeKind
    kind: str
    id: UUID
    name: str
    field: str
    detail: str | None = None
    before: Any = None
    after: Any = None
    positions: tuple[int, ...]
    by: tuple[Actor, ...] = ()
    clock: bool = False


class Changes(Protocol):
    """Questions about what changed. The answer for two positions never changes."""

    async def moment(self, position: int) -> Moment | None:
        """A position with the instant of its recording; None where there is no such position (0: before everything)."""
        ...

    async def moment_at(self, instant: datetime) -> Moment:
        """The last position recorded at or before an instant, with that instant as the clock."""
        ...

    async def list(self, span: Span, *, limit: int = 50, cursor: str | None = None) -> Page[Change]:
        """One page. Raises BadCursor."""
        ...

    def stream(self, span: Span) -> AsyncIterator[Sequence[Change]]:
        """All of them in batches."""
        ...
