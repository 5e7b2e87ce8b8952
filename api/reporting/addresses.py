"""The addresses of reports: of the data, and of what stays the same for ever."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

Query = Sequence[tuple[str, str]]


def rfc3339(at: datetime) -> str:
    """An instant as queries take it."""
    return at.isoformat().replace("+00:00", "Z")


def window_query(since: datetime | None, until: datetime | None) -> list[tuple[str, str]]:
    """`from` and `to`, where there are any."""
    return [(name, rfc3339(at)) for name, at in (("from", since), ("to", until)) if at is not None]


def addresses(name: str, query: Query, position: int) -> tuple[str, str]:
    """The address of the data of a report, and of its page, both as of a position."""
    asked = urlencode([*query, ("as_of_position", str(position))])
    return f"/api/v1/reports/{name}?{asked}", f"/reports/{name}?{asked}"


def window_words(since: datetime | None, until: datetime | None) -> str:
    """The window in words."""
    start = f"from {since:%Y-%m-%d %H:%M} UTC" if since else "from the beginning"
    return f"{start} to {until:%Y-%m-%d %H:%M} UTC" if until else start


def moment_words(position: int, now: datetime) -> str:
    """The moment in words."""
    return f"as of ledger position {position}, {now:%Y-%m-%d %H:%M:%S} UTC"
