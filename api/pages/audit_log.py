"""The page of the audit log: every event, newest first, each with its proof."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.asking import Reading
from api.controllers.audit_events import audit_filter
from api.failures import bad_parameter
from api.pages.model import Viewer
from api.pages.people import who
from api.pages.sheet import AsCsv, Cell, Choice, Column, Cursor, Place, Search, Sheet, answer
from api.paging import numbered, position_cursor
from api.security import requires
from domain.roles import Permission
from projections.audit_trail.view import AuditEvent, AuditFilter
from projections.rows import Page

SHEET = Sheet(
    "Audit log",
    "audit-log",
    (
        Column("Position"),
        Column("Recorded (UTC)"),
        Column("Event"),
        Column("By"),
        Column("About", wide=True),
        Column("Proof"),
    ),
    "Every event of the ledger, newest first. Reading it is an event, too.",
)
SEARCHES = (
    Search("type", "Event", "certificate.deployment.*"),
    Search("subject", "About (id)", "certificate, connector, work order"),
    Search("actor", "By (id)"),
    Search("from", "From (UTC)", kind="date"),
    Search("to", "Before (UTC)", kind="date"),
)
KINDS = (
    ("Pushes", "work_order.*"),
    ("Deployments", "certificate.deployment.*"),
    ("Revocations", "certificate.revoke.*"),
    ("Refusals", "work_order.push.refused"),
    ("Denied", "access.denied"),
    ("Who reads", "audit.*"),
)
Text = Annotated[str | None, QueryParameter(max_length=200)]


@get("/audit-log", opt=requires(Permission.READ_EVERYTHING, page=True), include_in_schema=False)
async def audit_log(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    type: Text = None,  # noqa: A002 - its name in the URL
    subject: Text = None,
    actor: Text = None,
    since: Annotated[str | None, QueryParameter(name="from", max_length=64)] = None,
    until: Annotated[str | None, QueryParameter(name="to", max_length=64)] = None,
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """Events by type, subject, actor and day."""
    narrow = audit_filter(
        [type] if type else None,
        [_id(subject)] if subject else None,
        [actor] if actor else None,
        None,
        _midnight(since, "from"),
        _midnight(until, "to"),
    )

    async def ask(limit: int, after: str | None) -> Page[AuditEvent]:
        return await _newest(reading, narrow, limit, after)

    def line(found: AuditEvent, _: Viewer) -> tuple[Cell, ...]:
        place = f"/api/v1/audit-events/{found.position}"
        return (
            Cell(str(found.position), place),
            Cell(at=found.recorded_at),
            Cell(found.type, mono=True),
            Cell(who(found.actor, reading)),
            Cell(_about(found.subjects), f"/audit-log?subject={found.stream_id}", mono=True),
            Cell("proof", f"{place}/proof"),
        )

    request.app.state.read_recorder.audit_listed(request, reading)
    return await answer(
        request,
        reading,
        SHEET,
        ask,
        line,
        cursor=cursor,
        as_csv=as_csv,
        choices=_choices(Place.of(request)),
        searches=SEARCHES,
    )


async def _newest(reading: Reading, narrow: AuditFilter, limit: int, after: str | None) -> Page[AuditEvent]:
    before = position_cursor(after, 0) or None
    found = await reading.views.audit_trail.latest(narrow, before_position=before, limit=limit + 1)
    return numbered(found, limit, lambda event: event.position)


def _choices(place: Place) -> tuple[Choice, ...]:
    return tuple(
        Choice(words, place.set("type", None if place.has("type", topic) else topic).url, place.has("type", topic))
        for words, topic in KINDS
    )


def _about(subjects: Sequence[UUID]) -> str:
    more = f" and {len(subjects) - 1} more" if len(subjects) > 1 else ""
    return f"{str(subjects[0])[:8]}…{more}" if subjects else ""


def _id(text: str) -> UUID:
    try:
        return UUID(text.strip())
    except ValueError:
        raise bad_parameter("subject", "Write the id of what the events are about.") from None


def _midnight(text: str | None, name: str) -> str | None:
    """A day of the browser's field as the instant it begins at, in UTC; an instant stays as it is."""
    if not text or "T" in text:
        return text or None
    try:
        return f"{datetime.fromisoformat(text).date().isoformat()}T00:00:00Z"
    except ValueError:
        raise bad_parameter(name, "Write a day like 2027-01-31.") from None
