"""Connectors: add, list, show, remove, deploy."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody

from api.answers import missing, single
from api.asking import Command, Reading, location_of
from api.body import given
from api.controllers.pushing import pushed
from api.paging import CSV, JSON, NDJSON, Cursor, Limit, export, listed, negotiate, page
from api.presenters.connectors import Node, body, node_of
from api.presenters.known import Known, known
from api.presenters.viewing import viewer
from api.schemas.connectors import AddConnectorBody, ChangeConnectorBody, ConnectorBody, ConnectorPage
from api.schemas.work_orders import DeployBody, PushAnswer
from api.security import any_role, requires
from application.associating import AddConnector, add_connector, configure_verification, remove_connector
from application.house import Loaded, load
from application.pushing import RequestPush, latest_work_orders
from domain.certificate import CERTIFICATE
from domain.connector import CONNECTOR, Connector
from domain.connector_events import SyncState
from domain.push_states import DeploymentStatus
from domain.roles import Permission
from domain.target_system import TARGET_SYSTEM
from domain.verification_plan import VerificationPlan
from projections.connectors.view import ConnectorFilter, ConnectorNode
from projections.rows import Page


def connector_filter(
    certificate_id: FromQuery[list[UUID] | None] = None,
    target_system_id: FromQuery[list[UUID] | None] = None,
    bridge_id: FromQuery[list[UUID] | None] = None,
    deployment_status: FromQuery[list[DeploymentStatus] | None] = None,
    sync: FromQuery[list[SyncState] | None] = None,
    removed: FromQuery[bool | None] = None,
) -> ConnectorFilter:
    """What a list of connectors is narrowed to."""
    return ConnectorFilter(
        certificate_id=tuple(certificate_id or ()),
        target_system_id=tuple(target_system_id or ()),
        bridge_id=tuple(bridge_id or ()),
        deployment_status=tuple(deployment_status or ()),
        sync=tuple(sync or ()),
        removed=removed,
    )


@get("/connectors", opt=any_role(), dependencies={"narrow": Provide(connector_filter, sync_to_thread=False)})
async def list_connectors(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[ConnectorFilter],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[ConnectorPage]:
    """All connectors, oldest first; removed ones too, unless `removed=false`."""

    def item(node: ConnectorNode) -> ConnectorBody:
        return body(node_of(node), viewer(reading))

    connectors = reading.views.connectors
    if (wanted := negotiate(request, JSON, NDJSON, CSV)) != JSON:
        return await export(wanted, connectors.stream(narrow), item, ConnectorBody.__struct_fields__)
    found = await connectors.list(narrow, limit=limit, cursor=cursor)
    return page(request, [item(node) for node in found.items], found.next_cursor)


@get("/certificates/{certificate_id:uuid}/connectors", opt=any_role())
async def list_connectors_of_certificate(
    request: Request[Any, Any, Any],
    certificate_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    removed: FromQuery[bool | None] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[ConnectorPage]:
    """Where a certificate is (or was) associated."""
    narrow = ConnectorFilter(certificate_id=(certificate_id,), removed=removed)
    views = reading.views

    async def ask(limit: int, cursor: str | None) -> Page[ConnectorNode]:
        found = await views.connectors.list(narrow, limit=limit, cursor=cursor)
        if not found.items and await views.inventory.get(certificate_id) is None:
            raise missing("certificate", certificate_id)
        return found

    def item(node: ConnectorNode) -> ConnectorBody:
        return body(node_of(node), viewer(reading))

    return await listed(request, ask, item, ConnectorBody.__struct_fields__, limit=limit, cursor=cursor)


@post("/certificates/{certificate_id:uuid}/connectors", opt=requires(Permission.CONNECTORS, narrows=True))
async def add_a_connector(
    certificate_id: FromPath[UUID], data: JSONBody[AddConnectorBody], command: NamedDependency[Command]
) -> Response[ConnectorBody]:
    """Associate the certificate with a target system."""
    wish = AddConnector(
        certificate_id=certificate_id,
        target_system_id=data.target_system_id,
        profile=data.profile,
        endpoints=data.endpoints,
        server_name=data.server_name,
        verification=VerificationPlan(**msgspec.structs.asdict(data.verification)),
    )
    done = await add_connector(command.house, command.context, wish)
    found = done.result
    return await command.answer(
        done,
        body(await _with_neighbours(command, found), viewer(command)),
        status=201,
        version=found.version,
        location=location_of("connectors", found.id),
    )


@get("/connectors/{connector_id:uuid}", opt=any_role())
async def get_connector(connector_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[ConnectorBody]:
    """One connector with its four states."""
    found = await reading.views.connectors.node(connector_id)
    if found is None:
        raise missing("connector", connector_id)
    return single(body(node_of(found), viewer(reading)), found.connector.version)


@patch("/connectors/{connector_id:uuid}", opt=requires(Permission.CONNECTORS, narrows=True))
async def change_a_connector(
    connector_id: FromPath[UUID], data: JSONBody[ChangeConnectorBody], command: NamedDependency[Command]
) -> Response[ConnectorBody]:
    """Change how its endpoints are verified. Nothing else of a connector changes: remove it, and add another one."""
    known = (await load(command.house, CONNECTOR, connector_id)).found
    wanted = msgspec.structs.replace(known.verification, **given(data.verification))
    done = await configure_verification(command.house, command.context, connector_id, wanted)
    found = done.result
    return await command.answer(
        done, body(await _with_neighbours(command, found), viewer(command)), version=found.version
    )


@delete("/connectors/{connector_id:uuid}", opt=requires(Permission.CONNECTORS, narrows=True))
async def remove_a_connector(connector_id: FromPath[UUID], command: NamedDependency[Command]) -> Response[None]:
    """Stop tracking. Nothing is uninstalled; an open work order ends superseded."""
    done = await remove_connector(command.house, command.context, connector_id)
    return await command.answer(done, None, status=204, version=done.result.version)


@post("/connectors/{connector_id:uuid}/deploy", opt=requires(Permission.DEPLOY, narrows=True), status_code=202)
async def deploy_connector(
    connector_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[DeployBody] = DeployBody()
) -> Response[PushAnswer]:
    """Deploy: push to this connector alone."""
    connector = (await load(command.house, CONNECTOR, connector_id)).found
    wish = RequestPush(
        certificate_id=connector.certificate_id,
        connector_ids=(connector_id,),
        comment=data.comment,
        allow_not_yet_valid=data.allow_not_yet_valid,
        of_connector=True,
    )
    return await pushed(command, wish)


async def _with_neighbours(command: Command, found: Loaded[Connector]) -> Node:
    """What the read model will show beside this connector."""
    house, state = command.house, found.found
    latest = (await latest_work_orders(house, [found.id]))[found.id].previous
    return Node(
        connector=Known.of(found),
        certificate=Known.of(await load(house, CERTIFICATE, state.certificate_id)),
        target_system=Known.of(await load(house, TARGET_SYSTEM, state.target_system_id)),
        work_order=known(latest),
    )


HANDLERS = [
    list_connectors,
    list_connectors_of_certificate,
    add_a_connector,
    get_connector,
    change_a_connector,
    remove_a_connector,
    deploy_connector,
]
