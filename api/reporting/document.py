"""A report as something to read and print: facts, pictures and tables, without knowing which report it is."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from markupsafe import Markup

ROWS = 1000
"""Rows of a table that a page shows; JSON and CSV hold all."""
_PLACES = 40


class Link(NamedTuple):
    """Words that lead somewhere."""

    words: str
    url: str


class Places(NamedTuple):
    """Ledger positions, each a link; `more` of them are not shown."""

    links: tuple[Link, ...]
    more: int = 0


Cell = str | Link | Places


class Fact(NamedTuple):
    """A figure with its name; where it counts something, a link to what."""

    label: str
    value: Cell
    note: str = ""


class Table(NamedTuple):
    """A table; `numeric` are the columns to be aligned at the right."""

    id: str
    caption: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    empty: str
    numeric: frozenset[int] = frozenset()
    more: int = 0


class Picture(NamedTuple):
    """A drawing, and the same in words."""

    title: str
    drawing: Markup


class Document(NamedTuple):
    """One report. `kept_url` shows the same for ever; `data_url` is the address of the data, without a format."""

    name: str
    title: str
    lead: tuple[str, ...]
    scope: str
    facts: tuple[Fact, ...]
    pictures: tuple[Picture, ...]
    tables: tuple[Table, ...]
    data_url: str
    kept_url: str


def table(
    key: str,
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    empty: str,
    numeric: Iterable[int] = (),
) -> Table:
    """A table of at most ROWS rows."""
    made = [tuple(row) for row in rows]
    return Table(key, caption, tuple(heads), made[:ROWS], empty, frozenset(numeric), max(len(made) - ROWS, 0))


def places(positions: Sequence[int]) -> Places:
    """Links to the events at these positions."""
    shown = positions[:_PLACES]
    links = tuple(Link(str(position), f"/api/v1/audit-events/{position}") for position in shown)
    return Places(links, len(positions) - len(shown))


def at(instant: datetime | None, absent: str = "") -> str:
    """2027-01-31 02:00:00 (UTC)."""
    return absent if instant is None else f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def lasting(seconds: float | None) -> str:
    """How long, in the two largest units: 3 d 4 h, 12 min 5 s, 0.250 s."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.3f} s" if seconds < 1 else f"{seconds:.0f} s"
    days, rest = divmod(round(seconds), 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, left = divmod(rest, 60)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    first = next(number for number, (count, _) in enumerate(units) if count)
    return " ".join(f"{count} {unit}" for count, unit in units[first : first + 2] if count)


def short(text: str | UUID) -> str:
    """The beginning of a fingerprint or an id, enough to tell it from others."""
    return f"{str(text)[:8]}…"


def work_order(key: UUID) -> Link:
    """A link to a work order."""
    return Link(short(key), f"/work-orders/{key}")


def certificate(key: UUID | None, words: str) -> Cell:
    """A link to a certificate of the inventory."""
    return Link(words, f"/certificates/{key}") if key is not None else words


def words(name: str) -> str:
    """A name of the data as words."""
    return name.replace("_", " ").replace("-", " ")
