"""Kinds of values that several commands take."""

from datetime import UTC, datetime

import msgspec
import rich_click as click

INT8_MAX = 2**63 - 1
POSITION = click.IntRange(0, INT8_MAX)


class Instant(click.ParamType[datetime]):
    """RFC 3339 with a zone, or a date (its beginning in UTC)."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant in UTC; a wrong one is a usage error."""
        if isinstance(value, datetime):
            return value
        text = str(value)
        try:
            found = msgspec.convert(f"{text}T00:00:00Z" if len(text) == 10 else text, type=datetime)
            if found.tzinfo is not None:
                return found.astimezone(UTC)
        except (msgspec.ValidationError, OverflowError):
            pass
        raise click.BadParameter(f"{text!r} is no instant. Write one like 2027-01-31T00:00:00Z, or a date.", ctx, param)


INSTANT = Instant()


def written(instant: datetime) -> str:
    """An instant as it is written everywhere: RFC 3339 in UTC."""
    return msgspec.json.encode(instant).decode().strip('"')
