"""What read models answer with: rows, pages of rows, and the cursors between pages."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

S = TypeVar("S")
T = TypeVar("T")


class Row(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """An aggregate as the read side knows it.

    `version` is the aggregate's (the ETag), `position` the ledger position of its last event, `created_position` of its
    first (a work order's number for people is `WO-<created_position>`); `created_at` and `updated_at` are the ledger's
    instants of those two. `quarantined_position` is set when an event of this aggregate could not be digested: the row
    then shows the aggregate as it was before that position.
    """

    id: UUID
    version: int
    created_position: int
    position: int
    created_at: datetime
    updated_at: datetime
    quarantined_position: int | None
    state: S


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some of the items of a list, and the cursor of the next page (None: that was all)."""

    items: tuple[T, ...]
    next_cursor: str | None = None


class BadCursor(ValueError):
    """The cursor was not made by this list, or for another sort order."""


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended: the sort order, the sort value of its last item as text, and that item's id."""

    sort: str
    value: str
    id: UUID

    def encode(self) -> str:
        """URL-safe text."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).rstrip(b"=").decode()


def decode_cursor(text: str, sort: str) -> Cursor:
    """The cursor of `sort` that `encode` made; raises BadCursor."""
    try:
        data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        cursor = msgspec.json.decode(data, type=Cursor)
    except (binascii.Error, UnicodeEncodeError, UnicodeDecodeError, msgspec.DecodeError):
        raise BadCursor("this cursor was not made by this list") from None
    if cursor.sort != sort:
        raise BadCursor(f"this cursor belongs to the sort order {cursor.sort}, not to {sort}")
    return cursor


def page(items: Sequence[T], limit: int, cursor_of: Callable[[T], Cursor]) -> Page[T]:
    """A page of `limit` out of up to `limit + 1` items that were read."""
    if len(items) <= limit:
        return Page(tuple(items))
    kept = tuple(items[:limit])
    return Page(kept, cursor_of(kept[-1]).encode())
