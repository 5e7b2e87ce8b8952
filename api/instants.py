"""Instants in queries: RFC 3339 with a time zone, and nothing else (msgspec alone would take plain numbers too)."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar.params import QueryParameter

from api.body import invalid
from api.failures import bad_parameter

_BEYOND = "This is beyond the years 1 to 9999."


def instant_parameter(name: str, description: str) -> Any:
    """The declaration of a query parameter that is an instant."""
    return QueryParameter(name=name, max_length=64, description=description, schema_extra={"format": "date-time"})


def in_utc(at: datetime, pointer: str) -> datetime:
    """An instant of a body in UTC: what is kept and told has one zone. Raises 422 with the pointer where that ends."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise invalid(pointer, _BEYOND) from None


def instant(text: str | None, name: str) -> datetime | None:
    """The instant in UTC, None for none. Raises 422 for anything but RFC 3339 with a zone."""
    if text is None:
        return None
    try:
        found = msgspec.json.decode(msgspec.json.encode(text), type=datetime)
    except msgspec.ValidationError:
        raise bad_parameter(name, "Write a date and time like 2027-01-31T00:00:00Z.") from None
    if found.tzinfo is None:
        raise bad_parameter(name, "Add a time zone, for example 2027-01-31T00:00:00Z.")
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise bad_parameter(name, _BEYOND) from None
