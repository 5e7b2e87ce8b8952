"""The pages of certificates: the list, and one with its topology."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from api.asking import Command, Reading
from api.controllers.certificate_filter import certificate_filter
from api.pages import words
from api.pages.answering import dialog, done, html, viewer_of
from api.pages.forms import push_form
from api.pages.model import certificate_page, order_type
from api.pages.past import refuse_past, shown
from api.pages.sheet import AsCsv, Cell, Choice, Column, Cursor, Place, Search, Sheet, answer
from api.paging import CSV, pages
from api.presenters.grouping import Asked, asked
from api.presenters.verification import push_validation
from api.problems import Problem
from api.reporting.answering import as_csv
from api.security import any_role, requires
from application import verifying
from application.pushing import RequestPush, request_push
from domain.certificate import Source, days_until_expiry
from domain.certificate_facts import CertificateFacts
from domain.colour import Colour, of_certificate
from domain.connector_events import SyncState
from domain.role_grant import Role
from domain.roles import Permission
from projections.inventory.view import CertificateFilter, CertificateRow
from projections.push_validation.report import report
from projections.push_validation.view import PushFilter
from projections.topology.view import CertificateTopology

SHEET = Sheet(
    "Certificates",
    "certificates",
    (
        Column("State"),
        Column("Common Name"),
        Column("Issuer", wide=True),
        Column("Order type", wide=True),
        Column("Source", wide=True),
        Column("Owner", wide=True),
        Column("Valid to (UTC)"),
    ),
    nothing="No certificates yet. Import one or order one over the API.",
)
SHADES = (Colour.GREEN, Colour.BLUE, Colour.YELLOW, Colour.ORANGE, Colour.RED, Colour.BLACK)

SEVERAL = 2
"""As many alternative names are shown in a row."""

MANY = 20
"""With more connectors a push is followed on its own page: the topology is no longer taken in at a glance."""


@get("/", opt=any_role(page=True), include_in_schema=False, sync_to_thread=False)
def home() -> Redirect:
    """Certificates are where everything starts."""
    return Redirect("/certificates")


@get(
    "/certificates",
    opt=any_role(page=True),
    include_in_schema=False,
    dependencies={"narrow": Provide(certificate_filter, sync_to_thread=False)},
)
async def certificate_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[CertificateFilter],
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """The inventory, next to expire first."""
    ask = pages(reading.views.inventory.list, narrow)
    return await answer(
        request,
        reading,
        SHEET,
        ask,
        lambda row, _: _line(row, reading),
        cursor=cursor,
        as_csv=as_csv,
        choices=_choices(Place.of(request)),
        searches=(Search("q", "Name", "www.example.org"),),
    )


def _choices(place: Place) -> tuple[Choice, ...]:
    out_of_sync = SyncState.OUT_OF_SYNC.value
    return (
        *(place.choice(words.CERTIFICATE_WORDS[shade], "colour", shade.value, shade) for shade in SHADES),
        *(place.choice(source.value.capitalize(), "source", source.value) for source in Source),
        place.choice("Out of Sync", "sync", out_of_sync),
        *(place.choice(f"Tag {tag}", "tag", tag) for name, tag in place.query if name == "tag"),
    )


def _line(row: CertificateRow, reading: Reading) -> tuple[Cell, ...]:
    facts = row.state.facts
    colour = of_certificate(row.state, reading.now, reading.thresholds).colour
    return (
        Cell(words.CERTIFICATE_WORDS[colour], colour=colour),
        Cell(
            facts.common_name or "no name",
            f"/certificates/{row.id}",
            also=_also(facts),
            detail=", ".join(row.state.tags),
        ),
        Cell(facts.issuer_common_name or facts.issuer or "none"),
        Cell(order_type(row.state.provider, row.state.source)),
        Cell(row.state.source.value),
        Cell(row.state.owner or ""),
        Cell(
            at=facts.not_after,
            only_day=True,
            also=f"from {words.day(facts.not_before)}",
            detail=words.days_left(days_until_expiry(row.state, reading.now)),
        ),
    )


def _also(facts: CertificateFacts) -> str:
    """The alternative names beside the common name; of many the first ones, since the page of each tells all."""
    others = [name for name in facts.subject_alternative_names if name != facts.common_name]
    more = f" and {len(others) - SEVERAL} more" if len(others) > SEVERAL else ""
    return f"also {', '.join(others[:SEVERAL])}{more}" if others else ""


@get(
    "/certificates/{certificate_id:uuid}",
    opt=any_role(page=True),
    include_in_schema=False,
    dependencies={"wanted": Provide(asked, sync_to_thread=False)},
)
async def certificate(
    request: Request[Any, Any, Any],
    certificate_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    wanted: NamedDependency[Asked],
) -> Response[str]:
    """One certificate: where it is installed, what is served, and the work order beside each connector."""
    topology = await _topology(reading, certificate_id)
    operations = await reading.views.push_validation.operations(PushFilter(certificate_id=(certificate_id,)))
    viewer, moment = viewer_of(request), shown(request, reading)
    if moment.is_past:
        viewer = viewer.of_the_past()
    page = certificate_page(topology, operations, viewer, reading.now, wanted)
    return html("certificate.html", viewer=viewer, shown=moment, tab="certificates", page=page)


@get("/certificates/{certificate_id:uuid}/push-validation.csv", opt=any_role(page=True), include_in_schema=False)
async def push_validation_table(certificate_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[bytes]:
    """Every push of this certificate and what came of it, for a spreadsheet."""
    narrow = PushFilter(certificate_id=(certificate_id,))
    position, operations = await reading.views.push_validation.operations_at(narrow)
    start, end = datetime.min.replace(tzinfo=UTC), reading.now
    counted = report(operations, as_of_position=position, since=start, until=end)
    return Response(as_csv(push_validation(counted)), media_type=CSV)


@get(
    "/certificates/{certificate_id:uuid}/push",
    opt=requires(Permission.DEPLOY, page=True, narrows=True),
    include_in_schema=False,
)
async def push_dialog(
    request: Request[Any, Any, Any],
    certificate_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    connector_id: FromQuery[UUID | None] = None,
) -> Response[str]:
    """The confirmation dialog of Push to Device."""
    refuse_past(reading)
    form = push_form(await _topology(reading, certificate_id), connector_id)
    return dialog(request, "confirm.html", title=form.title, form=form)


@post(
    "/certificates/{certificate_id:uuid}/push",
    opt=requires(Permission.DEPLOY, page=True, narrows=True),
    include_in_schema=False,
)
async def push(
    request: Request[Any, Any, Any], certificate_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[Any]:
    """OK: one work order for each ticked connector."""
    form = await request.form()
    try:
        ticked = tuple(UUID(str(value)) for value in form.getall("connector_ids", []))
    except ValueError:
        raise Problem("validation-failed", "The form names a connector that is none. Reload the page.") from None
    wish = RequestPush(
        certificate_id=certificate_id, connector_ids=ticked, comment=str(form.get("comment") or "") or None
    )
    outcome = await request_push(command.house, command.context, wish)
    command.acknowledged.note(outcome.position)
    if outcome.result.refused and not outcome.result.work_orders:
        sentences = "; ".join(dict.fromkeys(item.refused.detail for item in outcome.result.refused))
        raise Problem("invalid-transition", sentences)
    many = len(outcome.result.work_orders) > MANY
    return done(request, f"/push-requests/{outcome.result.request_id}" if many else f"/certificates/{certificate_id}")


@post("/certificates/{certificate_id:uuid}/verify", opt=requires(Role.OPERATOR, page=True), include_in_schema=False)
async def verify_now(
    request: Request[Any, Any, Any],
    certificate_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    command: NamedDependency[Command],
) -> Response[Any]:
    """Verify the endpoints of this certificate now."""
    topology = await _topology(reading, certificate_id)
    connector_ids = [node.connector.id for node in topology.connectors if node.connector.state.associated]
    context = msgspec.structs.replace(command.context, command_id=uuid4())
    started = await verifying.start_run(command.house, context, connector_ids, trigger="user")
    command.acknowledged.note(started.position)
    return done(request, f"/certificates/{certificate_id}")


async def _topology(reading: Reading, certificate_id: UUID) -> CertificateTopology:
    found = await reading.views.topology.of_certificate(certificate_id)
    if found is None:
        raise Problem("not-found", f"There is no certificate {certificate_id}.")
    return found
