"""The audit trail: every event of the ledger, by whom, in which order, with what it takes to prove it."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, QueryParameter

from api.answers import missing, single
from api.as_of import only_now
from api.asking import Reading
from api.audit_feeds import export_events, stream_events
from api.controllers.certificate_filter import Texts
from api.failures import bad_parameter
from api.instants import instant, instant_parameter
from api.paging import CSV, JSON, NDJSON, AfterPosition, Cursor, Limit, array, negotiate, page, position_cursor
from api.positions import LARGEST
from api.presenters.audit import event
from api.presenters.envelopes import CLOUD_EVENT, CLOUD_EVENTS, Envelope, Present, enveloping
from api.schemas.audit import AuditEventBody, AuditEventPage
from api.security import requires
from api.streaming import SSE
from domain.roles import Permission
from projections.audit_trail.view import AuditEvent, AuditFilter

BYTES = "application/octet-stream"


def audit_filter(
    type: Annotated[  # noqa: A002 - its name in the URL
        list[str] | None,
        QueryParameter(max_items=50, description="Event types; a trailing * stands for any rest: certificate.*"),
    ] = None,
    subject: Annotated[list[UUID] | None, QueryParameter(max_items=50, description="Any id an event names.")] = None,
    actor: Texts = None,
    correlation_id: FromQuery[list[UUID] | None] = None,
    since: Annotated[str | None, instant_parameter("from", "Recorded at or after.")] = None,
    until: Annotated[str | None, instant_parameter("to", "Recorded before.")] = None,
    until_position: Annotated[int | None, QueryParameter(ge=1, le=LARGEST, description="Inclusive.")] = None,
) -> AuditFilter:
    """What the audit trail is narrowed to."""
    return AuditFilter(
        types=tuple(_checked(name) for name in type or ()),
        subjects=tuple(subject or ()),
        actors=tuple(actor or ()),
        correlation_ids=tuple(correlation_id or ()),
        since=instant(since, "from"),
        until=instant(until, "to"),
        until_position=until_position,
    )


def _checked(name: str) -> str:
    stem = name.removesuffix("*")
    if len(name) > 100 or not name or not (stem == "" or stem.replace(".", "").replace("_", "").isalnum()):
        raise bad_parameter("type", "Write an event type; a * may stand at its end only.")
    return name


@get(
    "/audit-events",
    opt=requires(Permission.READ_EVERYTHING),
    dependencies={"narrow": Provide(audit_filter, sync_to_thread=False)},
)
async def list_audit_events(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[AuditFilter],
    after_position: AfterPosition = 0,
    sort: Annotated[
        Literal["position", "-position"], QueryParameter(description="A minus: newest first.")
    ] = "position",
    limit: Limit = 50,
    cursor: Cursor = None,
    envelope: Annotated[
        Envelope | None,
        QueryParameter(description="In streams and NDJSON: each event in the envelope of CloudEvents 1.0."),
    ] = None,
) -> Response[AuditEventPage]:
    """Events in the order of the ledger. As a stream (SSE) for ever, resumed by Last-Event-ID; as NDJSON or CSV whole,
    up to the `audit.export.created` that tells of it.

    Reading them is an event itself (`audit.log.read`), once per reader, filter and minute.
    """
    audit = reading.views.audit_trail
    after = position_cursor(cursor, after_position)
    wanted = negotiate(request, JSON, NDJSON, CSV, SSE, CLOUD_EVENTS)
    present = await enveloping(wanted, envelope, reading.services.origin)
    if wanted not in {JSON, CLOUD_EVENTS} and sort != "position":
        raise bad_parameter("sort", "Streams and files are in the order of the ledger.")
    if wanted in {NDJSON, CSV}:
        return await export_events(request, reading, wanted, narrow, after, present)
    answer: Response[Any]
    if wanted == SSE:
        only_now(reading.moment, "A stream follows the present; until_position ends it.")
        resumed = position_cursor(request.headers.get("last-event-id"), after)
        answer = await stream_events(request, reading, narrow, resumed, present)
    else:
        if sort == "-position":
            before = position_cursor(cursor, 0) or None
            found = await audit.latest(narrow, before_position=before, limit=limit + 1)
        else:
            found = await audit.list(narrow, after_position=after, limit=limit + 1)
        answer = _page(request, found, limit, present, wanted)
    request.app.state.read_recorder.audit_listed(request, reading)
    return answer


@get("/audit-events/{position:int}", opt=requires(Permission.READ_EVERYTHING))
async def get_audit_event(
    request: Request[Any, Any, Any], position: FromPath[int], reading: NamedDependency[Reading]
) -> Response[AuditEventBody]:
    """One event, or the same as a CloudEvent."""
    wanted = negotiate(request, JSON, CLOUD_EVENT)
    found = await _event(request, reading, position)
    if wanted == JSON:
        return single(event(found))
    present = await enveloping(wanted, None, reading.services.origin)
    content: Any = msgspec.json.encode(present(found))
    return Response(content, media_type=CLOUD_EVENT)


@get("/audit-events/{position:int}/payload", opt=requires(Permission.READ_EVERYTHING), media_type=BYTES)
async def get_audit_event_payload(
    request: Request[Any, Any, Any], position: FromPath[int], reading: NamedDependency[Reading]
) -> Response[bytes]:
    """The exact payload bytes: SHA-256 of salt and payload is the leaf's `data_sha256`."""
    return _bytes((await _event(request, reading, position)).payload)


@get("/audit-events/{position:int}/leaf", opt=requires(Permission.READ_EVERYTHING), media_type=BYTES)
async def get_audit_event_leaf(
    request: Request[Any, Any, Any], position: FromPath[int], reading: NamedDependency[Reading]
) -> Response[bytes]:
    """The exact bytes of the Merkle leaf: SHA-256 of a zero byte and the leaf is its leaf hash (RFC 6962, 2.1)."""
    return _bytes((await _event(request, reading, position)).leaf)


async def _event(request: Request[Any, Any, Any], reading: Reading, position: int) -> AuditEvent:
    found = await reading.views.audit_trail.get(position) if 0 < position <= LARGEST else None
    if found is None:
        raise missing("event at position", position)
    request.app.state.read_recorder.audit_event(reading, position)
    return found


def _page(
    request: Request[Any, Any, Any], found: Sequence[AuditEvent], limit: int, present: Present, media_type: str
) -> Response[AuditEventPage]:
    following = str(found[limit - 1].position) if len(found) > limit else None
    items = [present(item) for item in found[:limit]]
    return page(request, items, following) if media_type == JSON else array(request, items, following, media_type)


def _bytes(content: bytes) -> Response[bytes]:
    return Response(content, media_type=BYTES, headers={"X-Content-Type-Options": "nosniff"})


HANDLERS = [list_audit_events, get_audit_event, get_audit_event_payload, get_audit_event_leaf]
