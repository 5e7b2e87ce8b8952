"""Where a page of changes ended: in which source, at which thing, and how many of its lines were shown."""

import base64
import binascii
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from projections.rows import BadCursor


class Source(StrEnum):
    """Where things that changed are found, in the order of the answer."""

    EVENTS = "events"
    EXPIRED = "expired"
    BECAME_VALID = "became_valid"


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A thing's place; `start` and `end` are the positions of the span that it belongs to."""

    start: int
    end: int
    source: Source = Source.EVENTS
    position: int = 0
    instant: datetime = datetime.min.replace(tzinfo=UTC)
    id: UUID = UUID(int=0)
    skip: int = 0

    def encode(self) -> str:
        """URL-safe text."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).rstrip(b"=").decode()


def decode_place(text: str, start: int, end: int) -> Place:
    """The place that `encode` made for the same positions. Raises BadCursor."""
    try:
        data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        place = msgspec.json.decode(data, type=Place)
    except (binascii.Error, UnicodeEncodeError, UnicodeDecodeError, msgspec.DecodeError):
        raise BadCursor("this cursor was not made by this list") from None
    if (place.start, place.end) != (start, end):
        raise BadCursor(f"this cursor belongs to the positions {place.start} to {place.end}")
    return place
