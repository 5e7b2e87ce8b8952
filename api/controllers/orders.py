"""Certificate orders."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody

from api.answers import missing, single
from api.asking import Command, Reading, location_of
from api.body import invalid
from api.controllers.certificate_filter import Text
from api.paging import CSV, JSON, NDJSON, Cursor, Limit, export, negotiate, page
from api.presenters.known import Known
from api.presenters.orders import body
from api.problems import Problem
from api.schemas.common import NothingBody
from api.schemas.orders import AnswerBodyIn, OrderBody, OrderBodyIn, OrderPage
from api.security import any_role, requires
from api.services import Services
from application import pem
from application.answering import read_request, take_answer
from application.endpoint_keys import Endpoint
from application.house import Done, Loaded
from application.ordering import resubmit_order, submit_order
from application.viewing import record_download
from bridge.protocol import KINDS
from domain.certificate_order import CertificateOrder, OrderParameters, OrderStatus, Provider, WantedConnector
from domain.roles import Permission, may
from domain.subjects import person_behind
from projections.orders.view import OrderFilter, OrderRow

NOTHING = NothingBody()
PEM = "application/x-pem-file"
ENDPOINT_KINDS = frozenset(name for name, kind in KINDS.items() if kind.endpoint_csr)


def order_filter(
    status: FromQuery[list[OrderStatus] | None] = None,
    provider: FromQuery[list[Provider] | None] = None,
    certificate_id: FromQuery[list[UUID] | None] = None,
    requested_by: FromQuery[list[UUID] | None] = None,
    q: Text = None,
) -> OrderFilter:
    """What a list of orders is narrowed to."""
    return OrderFilter(
        status=tuple(status or ()),
        provider=tuple(name.value for name in provider or ()),
        certificate_id=tuple(certificate_id or ()),
        requested_by=tuple(str(principal) for principal in requested_by or ()),
        q=q or None,
    )


@get("/orders", opt=any_role(), dependencies={"narrow": Provide(order_filter, sync_to_thread=False)})
async def list_orders(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[OrderFilter],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[OrderPage]:
    """Certificate orders, newest first."""

    def item(row: OrderRow) -> OrderBody:
        return body(Known.of(row), reading.now)

    orders = reading.views.orders
    if (wanted := negotiate(request, JSON, NDJSON, CSV)) != JSON:
        return await export(wanted, orders.stream(narrow), item, OrderBody.__struct_fields__)
    found = await orders.list(narrow, limit=limit, cursor=cursor)
    return page(request, [item(row) for row in found.items], found.next_cursor)


@post("/orders", opt=requires(Permission.ORDER), status_code=202)
async def submit_an_order(data: JSONBody[OrderBodyIn], command: NamedDependency[Command]) -> Response[OrderBody]:
    """Order a certificate. The answer is `pending`; the order's own address shows what becomes of it.

    With mode `endpoint_csr` the key is made on the target system that the first of the connectors names, and never
    leaves it; its bridge must be connected.
    """
    endpoint = Endpoint(ENDPOINT_KINDS) if data.mode == "endpoint_csr" else None
    issuers = command.services.issuers
    done = await submit_order(command.house, command.context, issuers, parameters(data), endpoint=endpoint)
    return await answer_order(command, done)


@get("/orders/{order_id:uuid}", opt=any_role())
async def get_order(order_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[OrderBody]:
    """One order."""
    found = await reading.views.orders.get(order_id)
    if found is None:
        raise missing("order", order_id)
    return single(body(Known.of(found), reading.now), found.version)


@post("/orders/{order_id:uuid}/resubmit", opt=requires(Permission.ORDER), status_code=202)
async def resubmit_an_order(
    order_id: FromPath[UUID],
    command: NamedDependency[Command],
    data: JSONBody[NothingBody] = NOTHING,  # noqa: ARG001 - refuses what somebody sent in vain
) -> Response[OrderBody]:
    """Try a failed order again, with the same parameters."""
    done = await resubmit_order(command.house, command.context, command.services.issuers, order_id)
    return await answer_order(command, done)


@get("/orders/{order_id:uuid}/csr", opt=requires(Permission.ORDER, Permission.IMPORT), media_type=PEM)
async def get_order_csr(order_id: FromPath[UUID], services: NamedDependency[Services]) -> Response[bytes]:
    """The signing request to carry to a CA that is not on line; the same one every time."""
    pem = await read_request(services.house, services.issuers, order_id)
    headers = {"Content-Disposition": f'attachment; filename="{order_id}.csr"', "Cache-Control": "no-store"}
    return Response(pem.encode(), media_type=PEM, headers=headers)


@get("/orders/{order_id:uuid}/certificate", opt=requires(Permission.ORDER, Permission.DOWNLOAD), media_type=PEM)
async def get_order_certificate(order_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[bytes]:
    """The certificate of a complete order with its issuers, for whoever ordered it; recorded before it leaves."""
    found = await reading.views.orders.get(order_id)
    if found is None:
        raise missing("order", order_id)
    _check_own(reading, found.state)
    certificate_id = found.state.certificate_id
    der = await reading.views.inventory.der(certificate_id) if certificate_id is not None else None
    if der is None or certificate_id is None:
        raise Problem("not-found", "This order has no certificate, or none as yet.")
    await record_download(reading.services.house, reading.context(), certificate_id, "fullchain")
    headers = {"Content-Disposition": f'attachment; filename="{order_id}.pem"', "Cache-Control": "no-store"}
    return Response(pem.certificates((der.der, *der.chain)).encode(), media_type=PEM, headers=headers)


@post("/orders/{order_id:uuid}/certificate", opt=requires(Permission.ORDER, Permission.IMPORT), status_code=200)
async def answer_an_order(
    order_id: FromPath[UUID], data: JSONBody[AnswerBodyIn], command: NamedDependency[Command]
) -> Response[OrderBody]:
    """What the CA answered. It must be for the key, the names and the usage that were ordered."""
    issuers, pem, chain = command.services.issuers, data.certificate_pem, data.chain_pem
    done = await take_answer(command.house, command.context, issuers, order_id, pem, chain)
    shown = body(Known.of(done.result), command.now)
    return await command.answer(done, shown, version=done.result.version)


async def answer_order(command: Command, done: Done[Loaded[CertificateOrder]]) -> Response[OrderBody]:
    found = done.result
    shown = body(Known.of(found), command.now)
    location = location_of("orders", found.id)
    return await command.answer(done, shown, status=202, version=found.version, location=location)


def _check_own(reading: Reading, order: CertificateOrder) -> None:
    """Who may not download every certificate may fetch those that were ordered for them."""
    mine = person_behind(order.requested_by) == person_behind(reading.context().actor)
    if not (mine or may(reading.roles, Permission.DOWNLOAD)):
        raise Problem("forbidden", "This certificate was ordered by somebody else.")


def parameters(data: OrderBodyIn) -> OrderParameters:
    """What was asked for. Raises Problem where the fields do not go together."""
    _check_mode(data)
    return OrderParameters(
        provider=data.provider,
        common_name=data.common_name,
        subject_alternative_names=data.subject_alternative_names,
        key_algorithm=data.key_algorithm or (None if data.mode == "csr" else "ec-256"),
        validity_days=data.validity_days,
        usage=data.usage,
        csr_pem=data.csr_pem,
        provider_id=data.provider_id,
        connectors=tuple(
            WantedConnector(
                target_system_id=wanted.target_system_id,
                profile=wanted.profile,
                endpoints=wanted.endpoints,
                server_name=wanted.server_name,
            )
            for wanted in data.connectors
        ),
    )


def _check_mode(data: OrderBodyIn) -> None:
    if data.mode == "endpoint_csr" and data.csr_pem is not None:
        raise invalid("/csr_pem", "With mode endpoint_csr the target system makes the request; leave csr_pem out.")
    if data.mode == "csr" and data.csr_pem is None:
        raise invalid("/csr_pem", "With mode csr, send the certificate signing request.")
    if data.mode == "automated" and data.csr_pem is not None:
        raise invalid("/csr_pem", "With mode automated the key is made here; leave csr_pem out, or use mode csr.")


HANDLERS = [
    list_orders,
    submit_an_order,
    get_order,
    resubmit_an_order,
    get_order_csr,
    get_order_certificate,
    answer_an_order,
]
