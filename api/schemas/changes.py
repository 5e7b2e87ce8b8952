"""What changed between two moments."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.common import ActorBody
from projections.changes.view import ChangeKind


class ChangeBody(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a diff: a fact of a thing was `before` and is `after`, by the events at `positions`."""

    change: ChangeKind
    kind: Annotated[str, Meta(description="Of the thing.", examples=["certificate", "connector", "work_order"])]
    id: UUID
    name: Annotated[str, Meta(examples=["www.example.org on web-1"])]
    field: Annotated[str, Meta(examples=["deployment"])]
    detail: Annotated[str, Meta(description="The endpoint, where each has a value.")] | None
    before: Annotated[Any, Meta(description="null: there was none.")]
    after: Annotated[Any, Meta(description="null: there is none. Of an added thing: all its facts.")]
    positions: tuple[int, ...]
    by: Annotated[tuple[ActorBody, ...], Meta(description="Who made these events.")]
    clock: Annotated[bool, Meta(description="Time did it; `positions` name where the dates were recorded.")]
    text: Annotated[str, Meta(examples=["Connector www.example.org on web-1 was removed."])]


class DiffPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of changes. Statuses refer to `from_at` and `to_at`."""

    from_position: int
    from_at: datetime
    to_position: int
    to_at: datetime
    items: tuple[ChangeBody, ...]
    next_cursor: str | None
