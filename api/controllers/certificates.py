"""Certificates: list, import, detail, owner and tags, downloads, topology, history."""

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET

from api.answers import missing, single
from api.asking import Command, Reading, location_of
from api.attachments import attachment, file_name
from api.audit_feeds import tell_of_export
from api.body import invalid
from api.controllers.certificate_filter import certificate_filter
from api.drawing import draw
from api.paging import (
    CSV,
    JSON,
    NDJSON,
    AfterPosition,
    Cursor,
    Limit,
    export,
    listed,
    negotiate,
    numbered,
    page,
    position_cursor,
)
from api.presenters import certificates as present
from api.presenters.audit import COLUMNS, event
from api.presenters.connectors import topology
from api.presenters.grouping import Asked, asked, narrowed
from api.presenters.known import Known
from api.presenters.viewing import viewer
from api.schemas.audit import AuditEventPage
from api.schemas.certificates import CertificateBody, CertificateItem, CertificatePage, DescribeBody, ImportBody
from api.schemas.connectors import TopologyBody
from api.security import any_role, requires
from application import pem
from application.house import Loaded, load
from application.importing import ImportCertificate, describe_certificate, import_certificate
from application.viewing import record_download
from domain.certificate import CERTIFICATE, Certificate
from domain.roles import Permission
from projections.audit_trail.view import AuditEvent
from projections.inventory.view import CertificateDer, CertificateFilter, CertificateRow, Sort
from projections.rows import Page

Format = Literal["pem", "chain", "fullchain"]
SVG = "image/svg+xml"
_PEM = "application/x-pem-file"


@get("/certificates", opt=any_role(), dependencies={"narrow": Provide(certificate_filter, sync_to_thread=False)})
async def list_certificates(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[CertificateFilter],
    sort: Annotated[Sort, QueryParameter(description="A minus sorts downwards.")] = "not_after",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[CertificatePage]:
    """The inventory: managed and discovered certificates. NDJSON and CSV stream the whole list."""

    def item(row: CertificateRow) -> CertificateItem:
        return present.item(Known.of(row), reading.now, reading.thresholds)

    inventory = reading.views.inventory
    if (wanted := negotiate(request, JSON, NDJSON, CSV)) != JSON:
        return await export(wanted, inventory.stream(narrow, sort=sort), item, CertificateItem.__struct_fields__)
    found = await inventory.list(narrow, sort=sort, limit=limit, cursor=cursor)
    return page(request, [item(row) for row in found.items], found.next_cursor)


@post("/certificates", opt=requires(Permission.IMPORT))
async def import_a_certificate(
    data: JSONBody[ImportBody], command: NamedDependency[Command]
) -> Response[CertificateBody]:
    """Import a certificate, with its private key and its issuers if you have them, as PEM or as a PKCS#12 bundle."""
    _check_form(data)
    wish = ImportCertificate(
        certificate_pem=data.certificate_pem or "",
        private_key_pem=data.private_key_pem,
        chain_pem=data.chain_pem,
        pkcs12=data.pkcs12,
        password=data.password or "",
        owner=data.owner,
        tags=data.tags,
    )
    done = await import_certificate(command.house, command.context, command.services.reader, wish)
    found = done.result
    return await command.answer(
        done,
        await changed(command, found),
        status=201,
        version=found.version,
        location=location_of("certificates", found.id),
    )


def _check_form(data: ImportBody) -> None:
    """PEM texts, or a bundle and its password."""
    if (data.certificate_pem is None) == (data.pkcs12 is None):
        raise invalid("/certificate_pem", "Send either certificate_pem or pkcs12.")
    if data.pkcs12 is None and data.password is not None:
        raise invalid("/password", "A password opens a PKCS#12 bundle; private keys come without one.")
    for pointer, given in (("/private_key_pem", data.private_key_pem), ("/chain_pem", data.chain_pem)):
        if data.pkcs12 is not None and given is not None:
            raise invalid(pointer, "A PKCS#12 bundle holds key and issuers itself; leave this out.")


@get("/certificates/{certificate_id:uuid}", opt=any_role())
async def get_certificate(
    request: Request[Any, Any, Any], certificate_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[CertificateBody]:
    """One certificate. Looking at it is recorded."""
    found = await reading.views.inventory.detail(certificate_id)
    if found is None:
        raise missing("certificate", certificate_id)
    request.app.state.read_recorder.viewed(reading, certificate_id)
    return single(_body(reading, Known.of(found.certificate), found.connectors), found.certificate.version)


@patch("/certificates/{certificate_id:uuid}", opt=requires(Permission.DESCRIBE, narrows=True))
async def describe_a_certificate(
    certificate_id: FromPath[UUID], data: JSONBody[DescribeBody], command: NamedDependency[Command]
) -> Response[CertificateBody]:
    """Change owner and tags."""
    known = (await load(command.house, CERTIFICATE, certificate_id)).found
    done = await describe_certificate(
        command.house,
        command.context,
        certificate_id,
        owner=known.owner if data.owner is UNSET else data.owner,
        tags=None if data.tags is UNSET else data.tags,
    )
    return await command.answer(done, await changed(command, done.result), version=done.result.version)


@get("/certificates/{certificate_id:uuid}/download", opt=requires(Permission.DOWNLOAD, narrows=True), media_type=_PEM)
async def download_certificate(
    certificate_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    format: Annotated[Format, QueryParameter(description="Leaf, issuers, or both.")] = "pem",  # noqa: A002 - in the URL
) -> Response[bytes]:
    """The certificate as PEM, recorded before it leaves."""
    found = await reading.views.inventory.der(certificate_id)
    if found is None:
        raise missing("certificate", certificate_id)
    text = pem.certificates(_parts(found, format)).encode()
    await record_download(reading.services.house, reading.context(), certificate_id, format)
    name = file_name(found.common_name, "crt" if format == "pem" else f"{format}.pem")
    return Response(text, media_type=_PEM, headers=attachment(name))


@get(
    "/certificates/{certificate_id:uuid}/topology",
    opt=any_role(),
    dependencies={"wanted": Provide(asked, sync_to_thread=False)},
)
async def get_topology(
    request: Request[Any, Any, Any],
    certificate_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    wanted: NamedDependency[Asked],
) -> Response[TopologyBody]:
    """Certificate, bridges and connectors with their colours, as JSON or as a drawing; all of them, or those that are
    asked for, one by one or in groups.
    """
    found = await reading.views.topology.of_certificate(certificate_id)
    if found is None:
        raise missing("certificate", certificate_id)
    body = topology(found, viewer(reading))
    if negotiate(request, JSON, SVG) == SVG:
        drawing = draw(body, wanted).encode()
        return Response(drawing, media_type=SVG)  # type: ignore[arg-type] # a drawing of the body
    return single(narrowed(body, wanted))


@get("/certificates/{certificate_id:uuid}/events", opt=any_role())
async def list_certificate_events(
    request: Request[Any, Any, Any],
    certificate_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    after_position: AfterPosition = 0,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[AuditEventPage]:
    """The history of a certificate: its own events, its connectors' and its work orders'.

    NDJSON and CSV of it are told of by `audit.export.created`.
    """

    async def ask(limit: int, cursor: str | None) -> Page[AuditEvent]:
        after = position_cursor(cursor, after_position)
        found = await reading.views.audit_trail.of_certificate(certificate_id, after_position=after, limit=limit + 1)
        if not found and await reading.views.inventory.get(certificate_id) is None:
            raise missing("certificate", certificate_id)
        return numbered(found, limit, lambda one: one.position)

    if (wanted := negotiate(request, JSON, NDJSON, CSV)) != JSON:
        await ask(1, cursor)
        after = position_cursor(cursor, after_position)
        await tell_of_export(request, reading, wanted, after_position=after, subject_id=certificate_id)
    return await listed(request, ask, event, COLUMNS, limit=limit, cursor=cursor)


def _body(asked: Reading | Command, found: Known[Certificate], connectors: int) -> CertificateBody:
    return present.body(found, viewer(asked), connectors)


async def changed(command: Command, found: Loaded[Certificate]) -> CertificateBody:
    connectors = await command.house.hints.connectors_of(found.id)
    return _body(command, Known.of(found), len(connectors))


def _parts(found: CertificateDer, wanted: Format) -> tuple[bytes, ...]:
    return {"pem": (found.der,), "chain": found.chain, "fullchain": (found.der, *found.chain)}[wanted]


HANDLERS = [
    list_certificates,
    import_a_certificate,
    get_certificate,
    describe_a_certificate,
    download_certificate,
    get_topology,
    list_certificate_events,
]
